// What the server says of itself, as clients keep it: also of what changed while nobody told them.
import { expect, it } from 'vitest';
import type { ParleyClient } from '../src/client.js';
import { fakeServer, type FakeServer } from '../src/testing/index.js';
import type { ParleyOptions } from '../src/types.js';

type Answer = (response: Response) => Response | Promise<Response>;

/** A client that is signed in, and when it has asked what the server is; `answers` change what it gets, the first one first. */
async function asking(server: FakeServer, random: () => number = () => 0.5, answers: Answer[] = []) {
  const asked: number[] = [];
  const { fetch, ...device } = server.options;
  const options: ParleyOptions = {
    ...device,
    random,
    fetch: async (input, init) => {
      if (!(input as string).endsWith('/http/server')) return fetch!(input, init);
      asked.push(device.clock!.now());
      const answer = answers.shift();
      const response = await fetch!(input, init);
      return answer ? answer(response) : response;
    },
  };
  const client = await server.person({ first_name: 'Ada' }).client(options);
  return { client, asked };
}

const said = ({ server }: ParleyClient) => {
  const { registration, motd } = server.get() ?? {};
  return { registration, motd };
};

it('what an operator has set while a client was away is there soon after it is back', async () => {
  const server = fakeServer();
  const { client } = await asking(server);
  await server.pass(60_000);
  server.offline();
  await server.pass(60_000);
  server.operate({ registration: 'invite', motd: 'Hello.' });
  server.online();
  await server.pass(60_000);
  expect(said(client)).toEqual({ registration: 'invite', motd: 'Hello.' });
  await client.close();
});

it('is asked again where events were lost', async () => {
  const server = fakeServer();
  const { client, asked } = await asking(server);
  await server.pass(60_000);
  const before = asked.length;
  server.resync();
  await server.pass(15_000);
  expect(asked).toHaveLength(before + 1);
  await client.close();
});

it('what is told while the first answer is on its way is not lost', async () => {
  const server = fakeServer();
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const { client } = await asking(server, undefined, [(response) => gate.then(() => response)]);
  await server.pass(5_000);
  server.operate({ motd: 'Hello.' });
  await server.pass(1_000);
  expect(client.server.get()).toBeUndefined();
  release();
  await server.pass(0);
  expect(said(client)).toEqual({ registration: 'open', motd: 'Hello.' });
  await client.close();
});

it('an answer out of a cache does not undo what was told since', async () => {
  const server = fakeServer();
  let kept: object = {};
  const keep: Answer = async (response) => {
    kept = (await response.json()) as object;
    return Response.json(kept);
  };
  const { client, asked } = await asking(server, undefined, [keep, () => Response.json(kept)]);
  await server.pass(1_000);
  server.operate({ motd: 'Hello.' });
  await server.pass(60_000);
  expect(asked).toHaveLength(2);
  expect(said(client)).toEqual({ registration: 'open', motd: 'Hello.' });
  await client.close();
});

it('clients that are back all at once do not ask all at once', async () => {
  const server = fakeServer();
  const all = await Promise.all([0, 0.25, 0.5, 0.75, 1].map((of) => asking(server, () => of)));
  await server.pass(60_000);
  for (const { asked } of all) asked.length = 0;
  server.restart();
  await server.pass(60_000);
  const times = all.map(({ asked }) => asked[0]);
  expect(all.map(({ asked }) => asked.length)).toEqual([1, 1, 1, 1, 1]);
  for (const [i, time] of times.slice(1).entries()) expect(time - times[i]).toBeGreaterThan(2_000);
  for (const { client } of all) await client.close();
});

it('is asked at most twice a minute, however often the connection breaks', async () => {
  const server = fakeServer();
  const { client, asked } = await asking(server);
  for (let i = 0; i < 12; i++) {
    server.offline();
    server.online();
    await server.pass(5_000);
  }
  await server.pass(60_000);
  expect(asked.length).toBeLessThanOrEqual(4);
  for (const [i, time] of asked.slice(1).entries()) expect(time - asked[i]).toBeGreaterThanOrEqual(30_000);
  await client.close();
});

it('is asked until it has answered, and then no more', async () => {
  const server = fakeServer();
  const fails: Answer = () => {
    throw new TypeError('fetch failed');
  };
  const { client, asked } = await asking(server, undefined, [fails, fails, fails]);
  await server.pass(300_000);
  expect(asked).toHaveLength(4);
  expect(said(client)).toEqual({ registration: 'open', motd: null });
  await client.close();
});

it('nothing is asked once the client is closed, or nobody is signed in any more', async () => {
  const server = fakeServer();
  const [closed, out] = [await asking(server), await asking(server)];
  await server.pass(1_000);
  const before = [closed.asked.length, out.asked.length];
  await closed.client.close();
  await out.client.logout();
  await server.pass(120_000);
  expect([closed.asked.length, out.asked.length]).toEqual(before);
  await out.client.close();
});
