import { expect } from 'vitest';
import type { TestApp } from './app.js';
import { call, eventually, Person, send, sendTo } from './client.js';
import { exported } from './exports.js';

/** A community in which everything has happened: a room, a group, the bot, answers, mentions, reactions, edits, deletions, a report, an export, somebody who is gone. */
export interface FullHouse {
  ada: Person;
  bob: Person;
  room: number;
  group: number;
}

export async function fullHouse(app: TestApp): Promise<FullHouse> {
  const [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Böb 🦊')];
  const as = async (one: Person, method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await call(app, method, `/http/${path}`, { token: one.token, body });
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const [hers, his] = [await ada.connect(), await bob.connect()];
  const { chat_room_id: room } = await sendTo(hers, bob.id, 'Hello Böb 🦊');
  await sendTo(his, ada.id, `O'Hara said: "\\n"\n\t%_\u0000?`.replace('\u0000', ''));
  await sendTo(hers, bob.id, 'x'.repeat(4_000));
  await sendTo(hers, bob.id, 'this is deleted', 'its-client-id');
  await send(his, { chat_type: 'room', other_user_id: ada.id, message: 'an answer', reply_to: 1 });
  await as(ada, 'PUT', `chat_rooms/${room}/messages/1`, { message: 'Hello again, Böb 🦊' });
  await as(bob, 'PUT', `chat_rooms/${room}/messages/3/reactions`, { emoji: '👍', is_on: true });
  await as(bob, 'PUT', `chat_rooms/${room}/messages/4/reactions`, { emoji: '🎉', is_on: true });
  await as(ada, 'DELETE', `chat_rooms/${room}/messages/4`);
  await as(bob, 'PUT', 'notifications', { chat_room_id: room });

  await as(ada, 'POST', 'reports', { chat_room_id: room, seq: 2, reason: 'spam', note: 'He did it again.' });

  const group: number = (await as(ada, 'POST', 'chat_groups', { chat_group_name: 'Gruppe', is_private: true })).id;
  await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: bob.id });
  const say = (message: string, more: object = {}) =>
    send(hers, { chat_type: 'group', chat_group_id: group, message, ...more });
  for (let i = 1; i <= 20; i++) await say(`message ${i}`);
  await say('to you', { mentions: { user_ids: [bob.id] } });
  await say('to all', { mentions: { everyone: true } });
  for (const [one, emoji] of [
    [ada, '👍'],
    [bob, '👍'],
    [bob, '❤️'],
  ] as const)
    await as(one, 'PUT', `chat_groups/${group}/messages/3/reactions`, { emoji, is_on: true });
  await as(ada, 'DELETE', `chat_groups/${group}/messages/5`);
  await as(ada, 'PUT', 'chat_settings', { chat_group_id: group, is_favourite: true });

  await send(hers, { chat_type: 'bot', message: 'Hello bot' });
  await eventually(async () => (await as(ada, 'GET', 'chat_bot')).length > 1 || undefined, 'an answer of the bot');

  await exported(app, ada);

  const gone = await Person.join(app, 'Gone');
  await sendTo(await gone.connect(), ada.id, 'what I said stays');
  await as(gone, 'DELETE', 'users/profile', { password: gone.password });
  const ended: number = (await as(bob, 'POST', 'chat_groups', { chat_group_name: 'Ends' })).id;
  await send(his, { chat_type: 'group', chat_group_id: ended, message: 'soon gone' });
  await as(bob, 'DELETE', `chat_groups/${ended}/members/${bob.id}`);
  // What ends is deleted in the background.
  await eventually(
    async () => (await app.database.query('SELECT 1 FROM deleted_conversations')).length === 0 || undefined,
    'the end of what was deleted',
  );
  for (const one of [ada, bob, gone]) one.hangUp();
  return { ada, bob, room, group };
}
