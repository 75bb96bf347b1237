// kill -9 under load, of the server and of its database: whatever was acknowledged is there, once, and all goes on without help.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { onAllDialects, onPrivateServers, TestApp, temporaryFolder } from '../support/app.js';
import { eventually } from '../support/client.js';
import { acknowledgedMore, Crowd } from '../support/crowd.js';
import { Ledger, wholeHistory } from '../support/ledger.js';
import { Onlooker } from '../support/onlooker.js';
import { synced } from '../support/person.js';
import { ServerProcess } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** People made in an app that then ends, for a process that goes on with its data. */
async function gathered(app: TestApp): Promise<{ people: Crowd; env: Record<string, string> }> {
  const people = await Crowd.gather(app);
  await app.app.close();
  cleanUps.push(() => app.removeData());
  const { PORT: _, ...env } = app.env;
  return { people, env: { ...env, RATE_LIMITS: 'off' } };
}

onAllDialects('kill -9 of the server under load', (dialect) => {
  // Five starts of a server, under load, on a machine that may be busy.
  const timeout = 600_000;
  it(
    'three times in a row, and a stop in good order, takes back no acknowledgement, and nobody who looks on misses anything',
    { timeout },
    async () => {
      const { people, env } = await gathered(await TestApp.start(dialect));
      let server = await ServerProcess.start(env);
      cleanUps.push(() => server.kill());
      const crowd = await people.connect(server);
      cleanUps.push(() => crowd.hangUp());
      // Many more devices of each person, which only look at the group.
      const devices = crowd.people.flatMap(({ token }) => Array<string>(5).fill(token));
      const onlookers = await Promise.all(devices.map((token) => Onlooker.at(server, token, crowd.group)));

      const ledger = new Ledger();
      crowd.startSending(ledger);
      const restart = async (signal: NodeJS.Signals) => {
        await acknowledgedMore(ledger, 300);
        // Anywhere between two commits, or in the middle of one.
        await sleep(Math.random() * 50);
        await server.kill(signal);
        server = await ServerProcess.restart(server, env);
        await Promise.all([crowd.back(), ...onlookers.map(({ client }) => synced(client))]);
      };
      for (let round = 1; round <= 3; round++) await restart('SIGKILL');
      expect([...ledger.refused.keys()]).toEqual(['no answer']);
      // In good order it is the same to those who send.
      await restart('SIGTERM');
      await acknowledgedMore(ledger, 100);
      await ledger.settle(env, crowd.sockets);
      const history = await wholeHistory(crowd.people, crowd.group, true);
      for (const onlooker of onlookers) await onlooker.check(history);
    },
  );
});

let databases = 0;

onPrivateServers('under load, a database', (database) => {
  /** A server process on a database of its own, behind a proxy. */
  const start = async () => {
    const name = `survival${++databases}`;
    await database().query(`CREATE DATABASE ${name}`);
    const proxy = await TcpProxy.start(database().port);
    cleanUps.push(() => proxy.close());
    const direct = {
      DATABASE_URL: `${database().url}/${name}`,
      JWT_SECRET: 'a secret for tests, longer than 32 bytes',
      DATA_DIR: temporaryFolder(),
      PUBLIC_URL: 'http://localhost:3000',
    };
    const { people, env } = await gathered(await TestApp.startIn(direct));
    const server = await ServerProcess.start({ ...env, DATABASE_URL: proxy.urlOf(name) });
    cleanUps.push(() => server.kill());
    const crowd = await people.connect(server);
    cleanUps.push(() => crowd.hangUp());
    const ledger = new Ledger();
    crowd.startSending(ledger);
    await acknowledgedMore(ledger, 300);
    return { crowd, ledger, proxy, env };
  };
  const refusals = (ledger: Ledger, count = 1) =>
    eventually(() => (ledger.refused.get('unavailable') ?? 0) >= count || undefined, 'a refusal', 30_000);

  it('is killed with -9 and started again: the same server goes on', async () => {
    const { crowd, ledger, env } = await start();
    for (let round = 1; round <= 2; round++) {
      await sleep(Math.random() * 50);
      await database().kill();
      await refusals(ledger, round * 20);
      await database().run();
      await acknowledgedMore(ledger, 200);
    }
    expect([...ledger.refused.keys()]).toEqual(['unavailable']);
    await ledger.settle(env, crowd.sockets);
  });

  it('cannot be reached for ten seconds', async () => {
    const { crowd, ledger, proxy, env } = await start();
    proxy.refuse();
    await refusals(ledger);
    await sleep(10_000);
    proxy.accept();
    await acknowledgedMore(ledger, 200);
    expect([...ledger.refused.keys()]).toEqual(['unavailable']);
    await ledger.settle(env, crowd.sockets);
  });

  it('stands still for ten seconds', async () => {
    const { crowd, ledger, env } = await start();
    await database().freeze();
    await sleep(10_000);
    database().thaw();
    await acknowledgedMore(ledger, 200);
    // Nobody is left without an answer for so long, and nothing is lost.
    expect([...ledger.refused.keys()]).toEqual(['unavailable']);
    await ledger.settle(env, crowd.sockets);
  });
});
