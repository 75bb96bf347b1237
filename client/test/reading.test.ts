// When what is on the screen counts as read.
import { expect, it } from 'vitest';
import { fakePage, fakeServer } from '../src/testing/index.js';

it('what is in view beside the window that somebody works in is read once they come back to it', async () => {
  const server = fakeServer();
  const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
  const page = fakePage();
  const [parley, his] = [await ada.client({ page, tabs: null }), await alan.client()];
  await alan.says(ada, 'Hello');
  await server.pass(100);
  const room = parley.room(alan.id);
  const readByHer = (): number => his.room(ada.id).receipts.get().get(ada.id) ?? 0;
  room.attach();
  his.room(ada.id).attach();
  await server.pass(100);

  // As where a window is moved aside: it is visible, and another one has the focus.
  page.happens('hidden');
  page.happens('visible');
  expect([page.isVisible(), page.hasFocus()]).toEqual([true, false]);
  room.seen(1);
  await server.pass(60_000);
  expect(readByHer()).toBe(0);
  expect(room.summary.get()?.unread).toBe(1);

  page.happens('focus');
  await server.pass(1_500);
  expect(readByHer()).toBe(1);
  expect(room.summary.get()?.unread).toBe(0);
  for (const client of [parley, his]) await client.close();
});

it('what was seen is told at once where somebody goes on to another chat, and not where the window lost the focus before', async () => {
  const server = fakeServer();
  const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
  const page = fakePage();
  const parley = await ada.client({ page, tabs: null });
  await alan.says(ada, 'Hello');
  await server.pass(100);
  const room = parley.room(alan.id);
  const view = room.attach();
  await server.pass(100);
  room.seen(1);
  expect(room.summary.get()?.unread).toBe(1);
  view.detach();
  await server.pass(100);
  expect(room.summary.get()?.unread).toBe(0);

  await alan.says(ada, 'Are you there?');
  const again = room.attach();
  await server.pass(100);
  page.happens('hidden');
  page.happens('visible');
  room.seen(2);
  // Straight from another window to another chat: nobody has looked at this one since.
  page.happens('focus');
  again.detach();
  await server.pass(60_000);
  expect(room.summary.get()?.unread).toBe(1);

  // Without a connection, it is told with the next one.
  const third = room.attach();
  await server.pass(100);
  server.offline();
  room.seen(2);
  third.detach();
  await server.pass(100);
  expect(room.summary.get()?.unread).toBe(1);
  server.online();
  await server.pass(60_000);
  expect(room.summary.get()?.unread).toBe(0);
  await parley.close();
});
