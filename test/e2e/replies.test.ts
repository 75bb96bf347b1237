// Messages that answer another one: the quote is read when it is shown, and shows nothing that was deleted.
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { BotAnswers } from '../../src/bot/bot-answers.js';
import { MessageLog } from '../../src/conversations/message-log.js';
import { pairOf } from '../../src/people/pair.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, Person, record, send, sendTo } from '../support/client.js';
import { everythingStored } from '../support/everything-stored.js';
import { groupWith } from '../support/groups.js';

onAllDialects('a reply', (dialect) => {
  let app: TestApp;
  let [ada, bob]: Person[] = [];
  let phone: ChatSocket;
  let other: ChatSocket;
  let room: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    [phone, other] = [await ada.connect(), await bob.connect()];
    room = (await sendTo(phone, bob.id, 'Who is there?')).chat_room_id;
  });

  const reply = (socket: ChatSocket, to: number, replyTo: unknown, more: object = {}) =>
    send(socket, { chat_type: 'room', other_user_id: to, message: 'I am', reply_to: replyTo, ...more });
  const inRoom = (seq: number) => `/http/chat_rooms/${room}/messages/${seq}`;
  const page = async (person: Person, query = '', path = `chat_rooms/${room}`) =>
    (await person.get(`/http/${path}${query}`)).body;
  const remove = (person: Person, path: string) => call(app, 'DELETE', path, { token: person.token });

  it('shows what it answers wherever it is shown, as it is by then', async () => {
    const quote = { seq: 1, user_id: ada.id, message: 'Who is there?' };
    const got = [phone, other].map((socket) => next<any>(socket, 'message', ({ seq }) => seq === 2));
    expect(await reply(other, ada.id, 1)).toMatchObject({ ok: true, seq: 2 });
    for (const message of await Promise.all(got)) expect(message).toMatchObject({ message: 'I am', reply_to: quote });
    const shown = async () => [
      (await page(ada)).at(-1),
      (await page(ada, '?after=1')).at(-1),
      (await page(ada, '', 'chat_rooms')).find(({ id }: { id: number }) => id === room).last_message,
      (await page(ada, '', 'notifications')).find((one: { chat_room_id: number }) => one.chat_room_id === room),
    ];
    for (const one of await shown()) expect(one.reply_to).toEqual(quote);
    expect((await page(ada))[0]).not.toHaveProperty('reply_to');

    await ada.put(inRoom(1), { message: 'x'.repeat(199) + '🦊🦊' });
    const edited = { ...quote, message: 'x'.repeat(199) + '🦊', change: 1 };
    for (const one of await shown()) expect(one.reply_to).toEqual(edited);
    // An edit of the reply tells the quote, too.
    const told = next<any>(phone, 'message_update');
    expect((await bob.put(inRoom(2), { message: 'I am here' })).body.reply_to).toEqual(edited);
    expect((await told).reply_to).toEqual(edited);

    await remove(ada, inRoom(1));
    for (const one of await shown())
      expect(one.reply_to).toEqual({ seq: 1, user_id: ada.id, message: '', deleted: true, change: 3 });
    const changed = await page(bob, '?changes_after=0');
    expect(changed.map(({ seq }: { seq: number }) => seq)).toEqual([2, 1]);
    expect(changed[0].reply_to).toMatchObject({ deleted: true });
  });

  it('loses what it answers when it is deleted itself', async () => {
    await reply(other, ada.id, 1, { is_silent: true });
    const told = next<any>(phone, 'message_update');
    expect((await remove(bob, inRoom(2))).body).not.toHaveProperty('reply_to');
    expect(await told).not.toHaveProperty('reply_to');
    expect((await page(ada)).at(-1)).not.toHaveProperty('reply_to');
    const [row] = await app.database.query('SELECT extras FROM messages WHERE conversation_id = ? AND seq = 2', [room]);
    expect(row).toEqual({ extras: null });
  });

  it('needs a message of the same chat that is not deleted', async () => {
    const elsewhere = await Person.known(app, 'Eve');
    await sendTo(phone, elsewhere.id, 'one');
    await sendTo(phone, elsewhere.id, 'two');
    for (const seq of [2, 2 ** 31 - 1])
      expect(await reply(other, ada.id, seq)).toMatchObject({ ok: false, error: { code: 'not_found' } });
    // To somebody without a room yet: there is no such message, and no room is left behind that has none.
    const socket = await elsewhere.connect();
    expect(await reply(socket, bob.id, 1)).toMatchObject({ ok: false, error: { code: 'not_found' } });
    const rooms = 'SELECT user_low, user_high FROM chat_rooms WHERE ? IN (user_low, user_high)';
    const { low, high } = pairOf(ada.id, elsewhere.id);
    expect(await app.database.query(rooms, [elsewhere.id])).toEqual([{ user_low: low, user_high: high }]);
    // Nor to nobody.
    expect(await reply(socket, 2 ** 31 - 1, 1)).toMatchObject({ ok: false, error: { code: 'not_found' } });
    // Beside a message that makes the room, it does no harm to that.
    const [plain] = await Promise.all([sendTo(socket, bob.id, 'plain'), reply(socket, bob.id, 9)]);
    expect(plain).toMatchObject({ ok: true, seq: 1 });
    await remove(ada, inRoom(1));
    expect(await reply(other, ada.id, 1)).toMatchObject({ ok: false, error: { code: 'message_deleted' } });
    // Nothing took a number.
    expect(await sendTo(other, ada.id, 'plain')).toMatchObject({ seq: 2 });
  });

  it('is refused by name where its fields are wrong, and takes null for nothing', async () => {
    for (const wrong of [0, -1, 1.5, 2 ** 31, '1', [1], {}, true, 'x'.repeat(5_000)])
      expect(await reply(other, ada.id, wrong)).toMatchObject({
        ok: false,
        error: { code: 'invalid', fields: { reply_to: [expect.any(String)] } },
      });
    for (const wrong of [0, 'true', {}, []])
      expect(await reply(other, ada.id, 1, { is_silent: wrong })).toMatchObject({
        error: { code: 'invalid', fields: { is_silent: [expect.any(String)] } },
      });
    expect(await reply(other, ada.id, null, { is_silent: null })).toMatchObject({ ok: true, seq: 2 });
    expect(await reply(other, ada.id, undefined, { is_silent: true })).toMatchObject({ ok: true, seq: 3 });
    const rows = await app.database.query('SELECT extras FROM messages WHERE conversation_id = ?', [room]);
    expect(rows.map(({ extras }: { extras: unknown }) => extras)).toEqual([null, null, null]);
  });

  it('is repeated harmlessly, and is another message where it answers another one', async () => {
    await sendTo(phone, bob.id, 'Anybody?');
    const heard = record<any>(phone, 'message');
    const first = await reply(other, ada.id, 1, { client_id: 'r' });
    const repeats = await Promise.all([
      reply(other, ada.id, 1, { client_id: 'r' }),
      reply(other, ada.id, 2, { client_id: 'r' }),
      reply(other, ada.id, undefined, { client_id: 'r' }),
      reply(other, ada.id, 1, { client_id: 'r', is_silent: true }),
      // In one batch.
      reply(other, ada.id, 1, { client_id: 's' }),
      reply(other, ada.id, 1, { client_id: 's' }),
      reply(other, ada.id, 2, { client_id: 's' }),
    ]);
    expect(repeats[0]).toEqual(first);
    for (const i of [1, 2, 3, 6])
      expect(repeats[i]).toMatchObject({ ok: false, error: { code: 'client_id_conflict' } });
    expect(repeats[4]).toMatchObject({ ok: true, seq: 4 });
    expect(repeats[5]).toEqual(repeats[4]);
    // What it answers may be gone by then: it was stored before.
    await remove(ada, inRoom(1));
    expect(await reply(other, ada.id, 1, { client_id: 'r' })).toEqual(first);
    await sendTo(other, ada.id, 'the end');
    await eventually(() => heard.find(({ message }) => message === 'the end'), 'the last message');
    expect(heard.map(({ seq }) => seq).filter((seq) => seq > 2)).toEqual([3, 4, 5]);
  });

  it('reaches those outside a group with the quote, which is empty once the message is deleted', async () => {
    const id = await groupWith(ada, [bob]);
    const write = (socket: ChatSocket, message: string, replyTo?: number) =>
      send(socket, { chat_type: 'group', chat_group_id: id, message, reply_to: replyTo });
    const outside = record<any>(other, 'notification', ({ message }) => message !== undefined);
    await write(phone, 'the secretword');
    await eventually(() => outside[0], 'the first notification');
    // Within the same second: this one waits, and the deletion comes meanwhile.
    await write(phone, 'an answer', 1);
    await remove(ada, `/http/chat_groups/${id}/messages/1`);
    await eventually(() => outside[1], 'the second notification');
    expect(outside[1]).toMatchObject({
      message: 'an answer',
      reply_to: { seq: 1, user_id: ada.id, message: '', deleted: true, change: 1 },
    });
    expect(JSON.stringify((await bob.get('/http/chat_groups')).body)).not.toContain('secretword');
    await eventually(async () => !(await everythingStored(app)).includes('secretword') || undefined, 'an empty log');
  });

  it('is not allowed where one has blocked the other, and quotes people who have gone', async () => {
    await bob.put(`/http/users/${ada.id}/block`, undefined);
    expect(await reply(phone, bob.id, 1)).toMatchObject({ error: { code: 'blocked' } });
    await call(app, 'DELETE', `/http/users/${ada.id}/block`, { token: bob.token });
    const gone = await Person.join(app, 'Gone');
    const id = await groupWith(ada, [bob, gone]);
    const socket = await gone.connect();
    await send(socket, { chat_type: 'group', chat_group_id: id, message: 'I go' });
    const erased = await call(app, 'DELETE', '/http/users/profile', {
      token: gone.token,
      body: { password: gone.password },
    });
    expect(erased.status).toBe(204);
    await send(phone, { chat_type: 'group', chat_group_id: id, message: 'Farewell', reply_to: 1 });
    const [, farewell] = await page(bob, '?after=0', `chat_groups/${id}`);
    expect(farewell.reply_to).toEqual({ seq: 1, user_id: gone.id, message: 'I go' });
    // Who was removed sees none of it in lists.
    await remove(ada, `/http/chat_groups/${id}/members/${bob.id}`);
    const list = (await bob.get('/http/chat_groups')).body.find((one: { id: number }) => one.id === id);
    expect(list.last_message).toBeNull();
  });

  it('answers in the chat with the bot as well', async () => {
    const ask = (message: string, replyTo?: number) => {
      const answered = next<any>(phone, 'message', ({ chat_type }) => chat_type === 'bot');
      return Promise.all([send(phone, { chat_type: 'bot', message, reply_to: replyTo }), answered]);
    };
    await ask('Hello');
    const [stored, { messages }] = await ask('What do you mean?', 2);
    expect(stored).toMatchObject({ ok: true, seq: 3 });
    const said = (await ada.get('/http/chat_bot')).body;
    const quote = { seq: 2, is_user: false, message: said[1].message.slice(0, 200) };
    expect(said[2].reply_to).toEqual(quote);
    expect(messages[0].reply_to).toEqual(quote);
    const refused = await send(phone, { chat_type: 'bot', message: 'x', reply_to: 9 });
    expect(refused).toMatchObject({ error: { code: 'not_found' } });
    expect(await send(phone, { chat_type: 'bot', message: 'x', is_silent: true })).toMatchObject({
      error: { fields: { is_silent: [expect.any(String)] } },
    });
  });

  it('costs one statement for a whole batch, and one for a page; plain messages cost none', async () => {
    vi.spyOn(app.get(BotAnswers), 'answerSoon').mockReturnValue();
    const [{ session }] = await app.database.query('SELECT MIN(id) AS session FROM sessions WHERE user_id = ?', [
      ada.id,
    ]);
    const sender = { userId: ada.id, sessionId: Number(session) };
    // The fewest of a few tries: what else the server does meanwhile is counted, too.
    const counted = async (work: () => Promise<unknown>): Promise<string[]> => {
      const tries: string[][] = [];
      for (let i = 0; i < 4; i++) {
        const log = vi.spyOn(app.database.logger, 'logQuery');
        await work();
        tries.push(log.mock.calls.map(([sql]) => sql));
        log.mockRestore();
      }
      return tries.sort((a, b) => a.length - b.length)[0];
    };
    const append = (count: number, extras?: { reply_to: number }) =>
      counted(() =>
        Promise.all(
          Array.from({ length: count }, () =>
            app.get(MessageLog).append({ kind: 'room', sender, target: pairOf(ada.id, bob.id), body: 'Hello', extras }),
          ),
        ),
      );
    const plain = await append(1);
    expect(await append(40)).toHaveLength(plain.length);
    const replies = await append(40, { reply_to: 1 });
    expect(replies).toHaveLength(plain.length + 1);
    expect(replies.filter((sql) => /SELECT .*\bsender_id, body, change_seq/.test(sql))).toHaveLength(1);
  });
});
