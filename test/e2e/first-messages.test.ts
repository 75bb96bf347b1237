// Chats that are made by their first messages: a batch of many costs as many statements as one.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { BotAnswers } from '../../src/bot/bot-answers.js';
import type { Draft } from '../../src/conversations/draft.js';
import { MessageLog } from '../../src/conversations/message-log.js';
import { pairOf } from '../../src/people/pair.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { Person } from '../support/client.js';

onAllDialects('first messages', (dialect) => {
  let app: TestApp;
  let people: Person[];

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    // Its statements would be among those that are counted.
    vi.spyOn(app.get(BotAnswers), 'answerSoon').mockReturnValue();
    people = await Promise.all(Array.from({ length: 12 }, (_, i) => Person.known(app, `Person${i}`)));
  });
  afterAll(() => app.stop());

  /** Stores these in one transaction. */
  const statements = async (drafts: Omit<Draft, 'sender' | 'body'>[]): Promise<number> => {
    const [{ session }] = await app.database.query('SELECT MIN(id) AS session FROM sessions WHERE user_id = ?', [
      people[0].id,
    ]);
    const sender = { userId: people[0].id, sessionId: Number(session) };
    const log = vi.spyOn(app.database.logger, 'logQuery');
    const all = await Promise.all(
      drafts.map((draft) => app.get(MessageLog).append({ sender, body: 'Hello', ...draft })),
    );
    const count = log.mock.calls.filter(([sql]) => sql === 'START TRANSACTION' || sql === 'BEGIN').length;
    expect(count).toBe(1);
    const total = log.mock.calls.length;
    log.mockRestore();
    expect(new Set(all.map(({ conversationId }) => conversationId)).size).toBe(drafts.length);
    expect(all.every(({ seq }) => seq === 1)).toBe(true);
    return total;
  };
  const toRooms = (others: Person[]) =>
    others.map(({ id }) => ({ kind: 'room' as const, target: pairOf(people[0].id, id) }));
  const toBot = (those: Person[]) => those.map(({ id }) => ({ kind: 'bot' as const, target: { userId: id } }));

  it('of many pairs cost as many statements as that of one, and all rooms are whole', async () => {
    const one = await statements(toRooms(people.slice(1, 2)));
    expect(await statements(toRooms(people.slice(2)))).toBe(one);
    const [{ rooms }] = await app.database.query('SELECT COUNT(*) AS rooms FROM chat_rooms');
    const [{ members }] = await app.database.query('SELECT COUNT(*) AS members FROM members');
    expect([Number(rooms), Number(members)]).toEqual([11, 22]);
  });

  it('of many people to the bot cost as many statements as that of one', async () => {
    const one = await statements(toBot(people.slice(0, 1)));
    expect(await statements(toBot(people.slice(1)))).toBe(one);
  });
});
