// A clock that is set forward and back while people chat.
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, Person, sendTo } from '../support/client.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

onAllDialects('a clock that jumps', (dialect) => {
  let app: TestApp;
  let offset = 0;
  let ada: Person;
  let bob: Person;
  let a: ChatSocket;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    offset = 0;
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    a = await ada.connect();
  });

  it('lets no message be edited before it was written, or edited last', async () => {
    const { chat_room_id: room, seq, timestamp } = await sendTo(a, bob.id, 'one');
    const path = `/http/chat_rooms/${room}/messages/${seq}`;
    offset = -HOUR;
    const first = (await ada.put(path, { message: 'two' })).body;
    expect(first).toMatchObject({ timestamp, edited_at: timestamp });
    offset = DAY;
    const { edited_at: ahead } = (await ada.put(path, { message: 'three' })).body;
    expect(ahead > timestamp).toBe(true);
    offset = 0;
    expect((await ada.put(path, { message: 'four' })).body.edited_at).toBe(ahead);
    expect((await call(app, 'DELETE', path, { token: ada.token })).status).toBe(200);
    const [row] = await app.database.query('SELECT deleted_at FROM messages WHERE conversation_id = ? AND seq = ?', [
      room,
      seq,
    ]);
    const deletedAt =
      row.deleted_at instanceof Date ? row.deleted_at : new Date(`${row.deleted_at.replace(' ', 'T')}Z`);
    expect(deletedAt.toISOString()).toBe(ahead);
  });

  it('lets nobody be seen last before they came', async () => {
    const { created_at: came } = (await bob.get('/http/users/profile')).body;
    const lastSeen = async () =>
      (await ada.get('/http/users')).body.find(({ id }: { id: number }) => id === bob.id).last_seen ?? undefined;
    await bob.connect();
    offset = -HOUR;
    // A logout is not waited for.
    await bob.get('/http/logout');
    expect(await eventually(lastSeen, 'the time of going')).toBe(came);
  });

  it('is told to the operator, once, when messages are stamped ahead of it', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    try {
      await sendTo(a, bob.id, 'now');
      offset = -50_000;
      await sendTo(a, bob.id, 'a bit ahead');
      expect(warned).not.toHaveBeenCalled();
      offset = -HOUR;
      const { timestamp } = await sendTo(a, bob.id, 'an hour ahead');
      await sendTo(a, bob.id, 'still');
      expect(Date.parse(timestamp)).toBeGreaterThan(Date.now() - HOUR / 2);
      expect(warned.mock.calls).toEqual([[expect.stringMatching(/^A message was stamped \d{4} s ahead/)]]);
    } finally {
      warned.mockRestore();
    }
  });
});
