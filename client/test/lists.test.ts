// The lists of chats and groups, where they cannot be read.
import { expect, it } from 'vitest';
import { fakeServer } from '../src/testing/index.js';

it('are read at once when somebody asks for it, however long the pause has become', async () => {
  const server = fakeServer();
  const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
  await alan.says(ada, 'Hello');
  const { fetch: inner, ...options } = server.options;
  let isBroken = true;
  const parley = await ada.client({
    ...options,
    // Each pause is as long as it can be: 1, 2, 4, 8, 16 s.
    random: () => 1,
    fetch: (input, init) =>
      isBroken && (input as string | URL).toString().endsWith('/chat_rooms')
        ? Promise.resolve(Response.json({ code: 'internal', message: '' }, { status: 500 }))
        : inner!(input, init),
  });
  await server.pass(15_500);
  isBroken = false;
  await server.pass(1_000);
  expect(parley.inbox.get()).toMatchObject({ loaded: false, error: { code: 'internal' } });
  parley.retryNow();
  await server.pass(100);
  expect(parley.inbox.get().loaded).toBe(true);
  expect(parley.inbox.get().error).toBeUndefined();
  expect(parley.inbox.get().rows.map(({ title }) => title)).toContain('Alan');
  await parley.close();
});
