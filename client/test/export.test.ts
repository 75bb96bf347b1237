// An export of what is one's own.
import { expect, it } from 'vitest';
import { fakeServer } from '../src/testing/index.js';

const HOUR = 3_600_000;

it('is asked for with the password, once a day, and a mail leads to it for 48 hours', async () => {
  const server = fakeServer();
  const ada = server.person({ first_name: 'Ada', email: 'ada@example.com' });
  const client = await ada.client();
  await server.pass(1_000);
  await expect(client.me.export('not it')).rejects.toMatchObject({ code: 'wrong_password' });
  await client.me.export(ada.password);
  const [mail] = server.mails('ada@example.com');
  expect(mail).toMatchObject({ subject: 'Your Parley export is ready' });
  await server.pass(HOUR);
  const again = client.me.export(ada.password);
  await expect(again).rejects.toMatchObject({ code: 'rate_limited', retryable: true });
  await expect(again).rejects.toMatchObject({ retry_after_ms: 23 * HOUR });
  const download = async () => {
    const response = await server.options.fetch!(mail.links[0]);
    return [response.status, response.headers.get('content-type'), (await response.text()).slice(0, 2)];
  };
  expect(await download()).toEqual([200, 'application/zip', 'PK']);
  await server.pass(47 * HOUR);
  expect(await download()).toEqual([410, 'application/json; charset=utf-8', '{"']);
});

it('is not asked for where the server is too old for it', async () => {
  const server = fakeServer();
  const ada = server.person({ first_name: 'Ada' });
  const { fetch } = server.options;
  const client = await ada.client({
    fetch: async (input, init) => {
      const response = await fetch!(input, init);
      if (!(input as string).endsWith('/http/server')) return response;
      return Response.json({ ...((await response.json()) as object), features: [] });
    },
  });
  await expect(client.me.export(ada.password)).rejects.toMatchObject({ code: 'unsupported' });
});
