// What is known of a message that waits: why, and when it goes out.
import { expect, it } from 'vitest';
import { fakeServer } from '../src/testing/index.js';
import type { MessageItem } from '../src/data.js';

it('says of a message that waits why, and when it goes out again', async () => {
  const server = fakeServer();
  const [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
  const parley = await ada.client();
  const room = parley.room(alan.id);
  await room.attach().ready;
  const last = (): MessageItem => room.timeline.get().items.at(-1) as MessageItem;
  server.refuse('send', 'rate_limited', 2);
  void room.send('Hello');
  await server.pass(0);
  const first = last();
  expect(first).toMatchObject({ state: 'queued', error: { code: 'rate_limited' } });
  expect(first.retry_at! - server.clock.now()).toBeGreaterThanOrEqual(1_000);
  // Refused anew, it says the new time.
  await server.pass(first.retry_at! - server.clock.now());
  const second = last();
  expect(second).toMatchObject({ state: 'queued', error: { code: 'rate_limited' } });
  expect(second.retry_at!).toBeGreaterThan(first.retry_at!);
  await server.pass(second.retry_at! - server.clock.now());
  expect(last()).toMatchObject({ state: 'stored' });
  expect(last().retry_at).toBeUndefined();
  await parley.close();
});
