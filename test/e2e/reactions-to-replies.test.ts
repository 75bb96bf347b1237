// A message that answers another one, names people and has reactions says all of it, wherever it is shown or told.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RoomMessageUpdate, RoomReactions } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, next, Person, send, sendTo } from '../support/client.js';

onAllDialects('reactions to a reply', (dialect) => {
  let app: TestApp;
  let [ada, bob]: Person[] = [];
  let phone: ChatSocket;
  let other: ChatSocket;
  let room: number;
  let reply: object;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    [phone, other] = [await ada.connect(), await bob.connect()];
    room = (await sendTo(phone, bob.id, 'Tea?')).chat_room_id;
    reply = {
      chat_type: 'room',
      other_user_id: ada.id,
      message: '@Ada: yes',
      client_id: 'r-1',
      reply_to: 1,
      mentions: { user_ids: [ada.id] },
    };
    await send(other, reply);
  });

  const inRoom = () => `/http/chat_rooms/${room}/messages/2`;
  const react = (one: Person) => one.put(`${inRoom()}/reactions`, { emoji: '👍', is_on: true });
  const beside = () => ({
    reply_to: { seq: 1, user_id: ada.id, message: 'Tea?' },
    mentions: { user_ids: [ada.id] },
  });
  const counted = [{ emoji: '👍', count: 1 }];
  const mine = [{ emoji: '👍', count: 1, is_mine: true }];
  const newest = async (one: Person, query = '') => (await one.get(`/http/chat_rooms/${room}${query}`)).body.at(-1);

  it('are told and shown together with the quote and the people named', async () => {
    const told = [phone, other].map((socket) => next<RoomReactions>(socket, 'message_reactions'));
    expect(await react(ada)).toMatchObject({ status: 200 });
    for (const event of await Promise.all(told)) expect(event).toMatchObject({ ...beside(), reactions: counted });
    for (const query of ['', '?after=1', '?changes_after=0'])
      expect(await newest(ada, query), query).toMatchObject({ change: 1, ...beside(), reactions: mine });
    const [row] = (await ada.get('/http/chat_rooms')).body;
    expect(row.last_message).toMatchObject({ ...beside(), reactions: mine });
    expect(row).toMatchObject({ unread_mentions: 1 });
  });

  it('stay with an edit, which takes a mention back', async () => {
    await react(bob);
    const told = next<RoomMessageUpdate>(phone, 'message_update');
    const answer = await bob.put(inRoom(), { message: 'yes', mentions: { user_ids: [] } });
    expect(answer.body).toMatchObject({ message: 'yes', reply_to: beside().reply_to, reactions: mine });
    expect(answer.body).not.toHaveProperty('mentions');
    const event = await told;
    expect(event).toMatchObject({ message: 'yes', change: 2, reply_to: beside().reply_to, reactions: counted });
    expect(event).not.toHaveProperty('mentions');
  });

  it('are no reason to take its repeat for another message, as another quote is', async () => {
    await react(ada);
    expect(await send(other, reply)).toMatchObject({ ok: true, seq: 2 });
    expect(await send(other, { ...reply, reply_to: null })).toMatchObject({
      ok: false,
      error: { code: 'client_id_conflict' },
    });
  });

  it('go with it when it is deleted, as all that it said', async () => {
    await react(ada);
    const told = next<RoomMessageUpdate>(phone, 'message_update');
    const { body } = await call(app, 'DELETE', inRoom(), { token: bob.token });
    for (const one of [body, await told, await newest(ada)]) {
      expect(one).toMatchObject({ seq: 2, change: 2, message: '', deleted: true });
      for (const field of ['reply_to', 'mentions', 'reactions']) expect(one).not.toHaveProperty(field);
    }
    for (const table of ['mentions', 'reactions', 'reaction_totals'])
      expect(
        await app.database.query(`SELECT seq FROM ${table} WHERE conversation_id = ? AND seq = 2`, [room]),
        table,
      ).toEqual([]);
  });
});
