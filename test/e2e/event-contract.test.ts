// What really crosses the sockets is what the classes of the events say, field by field, and nothing besides.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { AdminSettingsService } from '../../src/admin/admin-settings.service.js';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { eventsDocument } from '../../src/api/api-docs/events.js';
import type { BotMessages, Exception, GroupMessage, GroupNotice, GroupUpdate } from '../../src/sockets/events.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { stop } from '../support/bot.js';
import { call, type ChatSocket, eventually, next, open, Person, send } from '../support/client.js';
import { CompletionsServer, Dictation, sends, streams } from '../support/completions-server.js';
import { EventSchemas } from '../support/event-schemas.js';
import { setRole } from '../support/staff.js';

onAllDialects('the events', (dialect) => {
  let app: TestApp;
  let bot: CompletionsServer;
  let schemas: EventSchemas;
  beforeAll(async () => {
    bot = await CompletionsServer.start();
    app = await TestApp.start(dialect, { BOT_URL: bot.url, BOT_MODEL: 'test' });
  });
  afterAll(async () => {
    await app.stop();
    await bot.close();
  });
  beforeEach(() => {
    schemas = new EventSchemas(eventsDocument(app.app));
  });

  /** Checks whatever the server sends to a socket from now on. */
  const watch = (socket: ChatSocket): ChatSocket => socket.onAny((event, payload) => schemas.told(event, payload));
  const connect = async (person: Person): Promise<ChatSocket> => watch(await person.connect());

  /** Sends a payload of a class, and checks it and its acknowledgement. */
  const ask = async (socket: ChatSocket, title: string, payload: object, event = 'message') => {
    const answer = await (socket as any).timeout(15_000).emitWithAck(event, { ...payload });
    schemas.asked(event, title, payload, answer);
    return answer;
  };

  it('are what their classes say, each of them', async () => {
    const [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    const create = (name: string) =>
      call(app, 'POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: name } });
    const chat_group_id: number = (await create('Engines')).body.id;

    const a = watch(open(app));
    expect(await ask(a, 'TokenPayload', { token: ada.token })).toEqual({ ok: true, user_id: ada.id });
    const [b, e] = [await connect(bob), await connect(eve)];

    // Rooms.
    const toBob = { chat_type: 'room', other_user_id: bob.id, message: 'Hello' };
    const { chat_room_id } = await ask(a, 'SendRoomMessage', toBob);
    await ask(a, 'SendRoomMessage', { ...toBob, client_id: 'a-1', token: ada.token });

    // Groups: Ada is in, Bob comes and goes, Eve is a member outside.
    const enter = (socket: ChatSocket, is_enter: boolean) =>
      ask(socket, 'EnterGroupMessage', { chat_type: 'group', chat_group_id, is_enter });
    await enter(a, true);
    const entered = next<GroupNotice>(a, 'message', ({ notice }) => notice?.user_ids.includes(bob.id));
    await enter(b, true);
    await entered;
    await enter(e, true);
    await enter(e, false);
    await enter(b, false);
    const news = next(e, 'notification');
    const heard = next<GroupMessage>(a, 'message', ({ message }) => message === 'Hello all');
    await ask(a, 'SendGroupMessage', { chat_type: 'group', chat_group_id, message: 'Hello all', client_id: 'g-1' });
    await Promise.all([news, heard]);

    // Its doors: Bob asks to be let into another, which is then his.
    const secret = { chat_group_name: 'Secret', is_private: true };
    const { id } = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body: secret })).body;
    const told = [
      next(a, 'access_request'),
      next<GroupUpdate>(b, 'group_update', ({ is_member }) => is_member === true),
    ];
    await call(app, 'POST', `/http/chat_groups/access_requests/${id}`, { token: bob.token });
    await ada.put(`/http/chat_groups/access_requests/${id}`, { requester_id: bob.id, access: true });
    const handed = next<GroupUpdate>(b, 'group_update', ({ owner_id }) => owner_id === bob.id);
    await ada.put(`/http/chat_groups/${id}`, { owner_id: bob.id });
    await Promise.all([...told, handed]);
    // Reacted to, edited and deleted.
    for (const chat of [{ chat_room_id }, { chat_group_id }]) {
      const reacted = next(a, 'message_reactions');
      await ask(a, 'ReactPayload', { ...chat, seq: 1, emoji: '👍', is_on: true }, 'react');
      await reacted;
    }
    for (const chat of [`chat_rooms/${chat_room_id}`, `chat_groups/${chat_group_id}`])
      for (const [method, body] of [['PUT', { message: 'Hello again' }], ['DELETE']] as const) {
        const changed = next(a, 'message_update');
        await call(app, method, `/http/${chat}/messages/1`, { token: ada.token, body });
        await changed;
      }

    await ada.put('/http/chat_settings', { chat_group_id, notify: 'all' });
    // Eve looks after the server, and Bob reports a message.
    await setRole(app, eve, 'moderator');
    const reported = next(e, 'report');
    const body = { chat_room_id, seq: 2, reason: 'spam' };
    await call(app, 'POST', '/http/reports', { token: bob.token, body });
    await reported;
    // Reading, typing, coming and going; people and groups that change.
    await ask(b, 'SendRoomMessage', { ...toBob, other_user_id: ada.id });
    const reads = [next(a, 'read'), next<object>(e, 'notification', (one) => 'last_read_seq' in one)];
    await ask(a, 'ReadPayload', { chat_room_id, chat_group_id: null }, 'read');
    await ask(e, 'ReadPayload', { chat_group_id, seq: 1, token: null }, 'read');
    await Promise.all(reads);
    const typings = ['room', 'group'].map((kind) =>
      next<{ chat_type: string }>(b, 'typing', ({ chat_type }) => chat_type === kind),
    );
    await enter(b, true);
    await ask(a, 'RoomTypingMessage', { chat_type: 'room', other_user_id: bob.id }, 'typing');
    await ask(a, 'GroupTypingMessage', { chat_type: 'group', chat_group_id }, 'typing');
    await Promise.all(typings);
    const gone = next(a, 'presence');
    await bob.get('/http/logout');
    await gone;
    const renamed = next<{ first_name?: string }>(a, 'user_update', ({ first_name }) => first_name === 'Eva');
    await eve.put('/http/users/profile', { first_name: 'Eva' });
    await renamed;
    const erased = next<{ deleted?: boolean }>(a, 'user_update', (update) => update.deleted === true);
    await app.database.query('UPDATE users SET erased_at = created_at WHERE id = ?', [eve.id]);
    app.get(DomainEvents).publish('userChanged', { userId: eve.id });
    await erased;
    const [made, deleted] = [
      next<{ name?: string }>(a, 'group_update', ({ name }) => name === 'Looms'),
      next<{ deleted?: boolean }>(a, 'group_update', (update) => update.deleted === true),
    ];
    const other: number = (await create('Looms')).body.id;
    await made;
    await call(app, 'DELETE', `/http/chat_groups/${other}/members/${ada.id}`, { token: ada.token });
    await deleted;

    const update = next(a, 'server_update');
    await app.get(AdminSettingsService).change('console', { registration: 'invite', motd: 'Hello.' });
    await update;
    // As where nodes did not hear each other.
    const again = next(a, 'resync');
    for (const socket of app.get(Publisher).boundSockets()) app.get(Publisher).resync(socket, 'events_missed');
    await again;

    // The bot answers, and then fails.
    const said = (words: string) => next<BotMessages>(a, 'message', ({ messages }) => messages?.[0].message === words);
    bot.behave(streams('Well.'));
    const answered = said('Well?');
    await ask(a, 'AskBot', { chat_type: 'bot', message: 'Well?', client_id: 'q-1' });
    expect((await answered).messages).toHaveLength(2);
    bot.behave(sends(400, { 'content-type': 'application/json' }, '{}'));
    const [alone, failed] = [said('And now?'), next<Exception>(a, 'exception')];
    await ask(a, 'AskBot', { chat_type: 'bot', message: 'And now?' });
    expect((await alone).messages).toHaveLength(1);
    expect((await failed).code).toBe('bot_unavailable');

    // And is stopped in the middle.
    const dictation = new Dictation();
    bot.behave(dictation.behaviour);
    const forming = next(a, 'bot_delta');
    const { seq: question_seq } = await ask(a, 'AskBot', { chat_type: 'bot', message: 'Slowly?' });
    await eventually(() => dictation.questions.length || undefined);
    dictation.say('Well');
    await forming;
    schemas.asked('bot_stop', 'StopBot', { question_seq }, await stop(a, { question_seq }));

    // What is refused: with the fields, without, and at the end of a session.
    const refused = next<Exception>(a, 'exception');
    await ask(a, 'SendRoomMessage', { ...toBob, other_user_id: 2 ** 31 - 1, client_id: null });
    expect((await refused).code).toBe('not_found');
    const invalid = next<Exception>(a, 'exception');
    expect((await send(a, { ...toBob, message: 7, other_user_id: 0, client_id: 'x' })).error.fields).toBeDefined();
    expect((await invalid).request).toEqual({ event: 'message', chat_type: 'room', client_id: 'x' });
    const ended = Promise.all([next<Exception>(a, 'exception'), next(a, 'disconnect')]);
    await ada.get('/http/logout');
    expect((await ended)[0].code).toBe('session_revoked');

    expect(schemas.wrong.join('\n')).toBe('');
    expect(
      schemas.missing,
      'nothing above made the server send these, or sent them: add it here, so that they are checked',
    ).toEqual([]);
    for (const person of [ada, bob, eve]) person.hangUp();
  });

  it('would not pass with a field too many, too few, or of another type', () => {
    const update = { chat_group_id: 3, is_in: true };
    schemas.told('group_update', update);
    expect(schemas.wrong).toEqual([]);
    expect(schemas.missing).not.toContain('group_update_GroupUpdate');
    const bad = [{ ...update, more: 1 }, { chat_group_id: 3 }, { ...update, chat_group_id: '3' }, [update], null];
    for (const payload of bad) schemas.told('group_update', payload);
    schemas.told('no_such_event', update);
    expect(schemas.wrong).toHaveLength(bad.length + 1);
    expect(schemas.wrong[0]).toContain('must NOT have additional properties {"additionalProperty":"more"}');
  });
});
