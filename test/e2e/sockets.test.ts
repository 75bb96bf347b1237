// How a socket gets, keeps and loses its session.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CLIENT_EVENTS } from '../../src/api/api-docs/event-table.js';
import { Sessions } from '../../src/identity/sessions.js';
import { MAX_SOCKETS_PER_SESSION, SocketSessions } from '../../src/identity/socket-sessions.js';
import { Clock } from '../../src/common/timing/clock.js';
import { toMoment } from '../../src/database/dialect.js';
import type { ParleyServer } from '../../src/sockets/events.js';
import { OFFLINE_AFTER_MS } from '../../src/sockets/presence.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { trafficOf } from '../../src/sockets/transport/traffic.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, collect, eventually, next, open, Person, send, sendTo } from '../support/client.js';

type Refusal = Error & { data: { code: string; message: string } };

onAllDialects('sockets', (dialect) => {
  let app: TestApp;
  let offset = 0;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    offset = 0;
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
  });

  const anonymous = async (): Promise<ChatSocket> => {
    const socket = open(app);
    await next(socket, 'connect');
    return socket;
  };

  describe('the first token', () => {
    it('binds the socket; messages sent right behind it wait for the check, in order', async () => {
      const socket = await anonymous();
      const answers = await Promise.all([
        send(socket, { token: ada.token }),
        sendTo(socket, bob.id, 'one'),
        sendTo(socket, bob.id, 'two'),
        send(socket, { token: ada.token, chat_type: 'room', other_user_id: bob.id, message: 'three' }),
      ]);
      expect(answers[0]).toEqual({ ok: true, user_id: ada.id });
      expect(answers.slice(1).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    });

    it('may come with a message', async () => {
      const socket = await anonymous();
      const both = await Promise.all([
        send(socket, { token: ada.token, chat_type: 'room', other_user_id: bob.id, message: 'one' }),
        sendTo(socket, bob.id, 'two'),
      ]);
      expect(both.map(({ seq }) => seq)).toEqual([1, 2]);
    });

    it('must come before anything else, and that error leaves the socket as it is', async () => {
      const socket = await anonymous();
      expect((await sendTo(socket, bob.id, 'x')).error.code).toBe('token_missing');
      expect((await send(socket, {})).error.code).toBe('token_missing');
      expect((await send(socket, { token: null })).error.code).toBe('token_missing');
      expect((await send(socket, { token: ada.token })).ok).toBe(true);
    });

    it('may be null in the handshake, which is none', async () => {
      const socket = open(app, { auth: { token: null } });
      await next(socket, 'connect');
      expect((await send(socket, { token: ada.token })).ok).toBe(true);
    });

    it('is not waited for by twenty messages without one', async () => {
      const socket = await anonymous();
      const closed = next(socket, 'disconnect');
      for (let i = 0; i < 21; i++) socket.emit('message', {});
      expect(await closed).toBe('io server disconnect');
    });

    it.each([
      ['is rubbish', () => 'rubbish', 'token_invalid'],
      ['is no text', () => 42, 'token_invalid'],
    ])('that %s closes the socket, after saying so', async (_, token, code) => {
      const socket = await anonymous();
      const [told, closed] = [next<{ code: string }>(socket, 'exception'), next(socket, 'disconnect')];
      const [answer, behind] = await Promise.all([
        send(socket, { token: token() }),
        send(socket, { token: ada.token }).catch(() => 'closed'),
      ]);
      expect(answer).toMatchObject({ ok: false, error: { code } });
      expect((await told).code).toBe(code);
      expect(JSON.stringify(await told)).not.toContain('rubbish');
      await closed;
      void behind;
    });

    it('of a session that ended or expired is refused in the handshake and in a payload', async () => {
      await call(app, 'GET', '/http/logout', { token: ada.token });
      const refused = await next<Refusal>(open(app, { auth: { token: ada.token } }), 'connect_error');
      expect(refused.data.code).toBe('session_revoked');
      expect((await send(await anonymous(), { token: ada.token })).error.code).toBe('session_revoked');
      offset = 31 * 86_400_000;
      expect((await next<Refusal>(open(app, { auth: { token: bob.token } }), 'connect_error')).data.code).toBe(
        'token_expired',
      );
      expect((await next<Refusal>(open(app, { auth: { token: 'x' } }), 'connect_error')).data.code).toBe(
        'token_invalid',
      );
    });

    it('is the only one: a token of another session changes nothing', async () => {
      const socket = await ada.connect();
      const answer = await send(socket, {
        token: bob.token,
        chat_type: 'room',
        other_user_id: bob.id,
        message: 'whose?',
      });
      expect(answer.error.code).toBe('session_mismatch');
      const { seq, chat_room_id: room } = await sendTo(socket, bob.id, 'mine');
      expect(seq).toBe(1);
      expect((await bob.get(`/http/chat_rooms/${room}`)).body[0].user_id).toBe(ada.id);
    });
  });

  it('without a token is closed after ten seconds', async () => {
    const socket = await anonymous();
    const told = next<{ code: string }>(socket, 'exception');
    const began = Date.now();
    await next(socket, 'disconnect');
    expect((await told).code).toBe('token_missing');
    expect(Date.now() - began).toBeGreaterThan(9_000);
  });

  it(`holds ${MAX_SOCKETS_PER_SESSION} at most, also when they come at once`, async () => {
    const sockets = Array.from({ length: MAX_SOCKETS_PER_SESSION + 3 }, () =>
      open(app, { auth: { token: ada.token } }),
    );
    const outcomes = await Promise.all(
      sockets.map((socket) =>
        Promise.race([
          next(socket, 'connect').then(() => 'open'),
          next<Refusal>(socket, 'connect_error').then(({ data }) => data.code),
        ]),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'open')).toHaveLength(MAX_SOCKETS_PER_SESSION);
    expect(outcomes.filter((outcome) => outcome === 'too_many_sockets')).toHaveLength(3);
    const late = await anonymous();
    expect((await send(late, { token: ada.token })).error.code).toBe('too_many_sockets');
    sockets[outcomes.indexOf('open')].disconnect();
    // The place is free as soon as the server has noticed.
    await eventually(async () => {
      const socket = open(app, { auth: { token: ada.token } });
      const isOpen = await Promise.race([
        next(socket, 'connect').then(() => true),
        next(socket, 'connect_error').then(() => undefined),
      ]);
      if (isOpen) sockets.push(socket);
      return isOpen;
    });
    for (const socket of sockets) socket.disconnect();
  });

  it('makes room for another where it has been silent for longer than one that lives can be', async () => {
    const sockets: ChatSocket[] = [];
    for (let i = 0; i < MAX_SOCKETS_PER_SESSION; i++) sockets.push(await ada.connect());
    const { server } = app.get(Publisher) as unknown as { server: ParleyServer };
    const isRefused = async (): Promise<string> =>
      (await next<Refusal>(open(app, { auth: { token: ada.token } }), 'connect_error')).data.code;
    expect(await isRefused()).toBe('too_many_sockets');
    const lost = sockets.slice(0, 2).map((socket) => next(socket, 'disconnect'));
    for (const { id } of sockets.slice(0, 2)) trafficOf(server.sockets.sockets.get(id!)!.conn)!.heardAt -= 31_000;
    const newest = [await ada.connect(), await ada.connect()];
    for (const reason of await Promise.all(lost)) expect(reason).toMatch(/transport (close|error)/);
    expect(await isRefused()).toBe('too_many_sockets');
    expect([...sockets.slice(2), ...newest].every(({ connected }) => connected)).toBe(true);
    ada.hangUp();
  });

  it('hears nothing beyond the end of its session, and is closed then', async () => {
    const endsAt = Date.now() + 4_000;
    await app.database.query('UPDATE sessions SET expires_at = ? WHERE user_id = ?', [
      toMoment(new Date(endsAt)),
      ada.id,
    ]);
    const [early, socket, other] = [await bob.connect(), await ada.connect(), await bob.connect()];
    const told = next<{ code: string }>(socket, 'exception');
    const closed = next(socket, 'disconnect');
    const heard = collect(socket);
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    while (!isClosed) {
      await sendTo(other, ada.id, 'still there?');
      await sleep(50);
    }
    expect((await told).code).toBe('token_expired');
    expect(heard.length).toBeGreaterThan(0);
    // The token itself ends with a whole second; a busy machine may take some time to close.
    for (const { timestamp } of heard) expect(Date.parse(timestamp)).toBeLessThan(endsAt + 1_000);
    expect(early.connected).toBe(true);
    bob.hangUp();
  });

  it('that was lost just before the logout leaves its user offline at once', async () => {
    const socket = await ada.connect();
    socket.disconnect();
    const online = async () =>
      (await bob.get('/http/users')).body.find(({ id }: { id: number }) => id === ada.id).is_online;
    await sleep(200);
    expect(await online()).toBe(true);
    await ada.get('/http/logout');
    expect(await online()).toBe(false);
  });

  it('tries again after the database was away, also as the last that its session may have', async () => {
    for (let i = 1; i < MAX_SOCKETS_PER_SESSION; i++) await ada.connect();
    const last = await anonymous();
    const lost = Object.assign(new Error('gone'), { driverError: { code: 'ECONNRESET' } });
    const authenticate = vi.spyOn(app.get(Sessions), 'authenticate').mockRejectedValueOnce(lost);
    expect((await send(last, { token: ada.token })).error.code).toBe('unavailable');
    authenticate.mockRestore();
    expect(await send(last, { token: ada.token })).toEqual({ ok: true, user_id: ada.id });
    ada.hangUp();
  });

  it('is closed when its session expires', async () => {
    const socket = await ada.connect();
    const told = next<{ code: string }>(socket, 'exception');
    offset = 31 * 86_400_000;
    (app.get(SocketSessions) as unknown as { closeExpired(): void }).closeExpired();
    expect((await told).code).toBe('token_expired');
    await eventually(() => !socket.connected || undefined);
  });

  it('sends nothing once the answer to the logout is there', async () => {
    const socket = await ada.connect();
    const flood = Array.from({ length: 200 }, (_, i) => sendTo(socket, bob.id, `${i}`).catch(() => ({ ok: false })));
    await sleep(5);
    await call(app, 'GET', '/http/logout', { token: ada.token });
    const atOnce = await app.database.query('SELECT COUNT(*) AS n FROM messages WHERE sender_id = ?', [ada.id]);
    await Promise.all(flood);
    const later = await app.database.query('SELECT COUNT(*) AS n FROM messages WHERE sender_id = ?', [ada.id]);
    expect(later).toEqual(atOnce);
  });

  it('is told about an event that does not exist, and about a payload that is no object', async () => {
    const socket = await ada.connect();
    const unknown = await (socket as any).timeout(5000).emitWithAck('no such event', { x: 1 });
    expect(unknown).toMatchObject({ ok: false, error: { code: 'unknown_event' } });
    for (const payload of [undefined, null, 1, 'text', [], [1], true, Buffer.from('x')]) {
      const answer = await (socket as any).timeout(5000).emitWithAck('message', payload);
      expect(answer).toMatchObject({ ok: false, error: { code: 'invalid' } });
    }
    expect((await send(socket, { chat_type: 'nonsense' })).error.fields).toHaveProperty('chat_type');
    expect((await sendTo(socket, bob.id, 'still here')).ok).toBe(true);
  });

  it('takes no text for a number, in any event', async () => {
    const socket = await ada.connect();
    const room = (await sendTo(socket, bob.id, 'one')).chat_room_id;
    const texts: Record<keyof typeof CLIENT_EVENTS, object[]> = {
      message: [
        { chat_type: 'room', other_user_id: String(bob.id), message: 'x' },
        { chat_type: 'group', chat_group_id: '1', message: 'x' },
        { chat_type: 'group', chat_group_id: '1', is_enter: true },
        { chat_type: 'bot', message: 1 },
      ],
      bot_stop: [{ question_seq: '1' }],
      read: [{ chat_room_id: String(room) }, { chat_room_id: room, seq: '1' }, { chat_group_id: '1' }],
      react: [
        { chat_room_id: String(room), seq: 1, emoji: '👍', is_on: true },
        { chat_room_id: room, seq: '1', emoji: '👍', is_on: true },
        { chat_room_id: room, seq: 1, emoji: '👍', is_on: 'true' },
      ],
      typing: [
        { chat_type: 'room', other_user_id: String(bob.id) },
        { chat_type: 'group', chat_group_id: '1' },
      ],
    };
    expect(Object.keys(texts).sort()).toEqual(Object.keys(CLIENT_EVENTS).sort());
    for (const [event, payloads] of Object.entries(texts))
      for (const payload of payloads) {
        const answer = await (socket as any).timeout(15_000).emitWithAck(event, payload);
        expect([event, payload, answer.error?.code]).toEqual([event, payload, 'invalid']);
      }
  });

  it('shows a user online, for five seconds beyond the last socket, and never for a reload', async () => {
    const shown = async () => (await bob.get('/http/users')).body.find(({ id }: { id: number }) => id === ada.id);
    expect((await shown()).is_online).toBe(false);
    const first = await ada.connect();
    expect((await shown()).is_online).toBe(true);
    first.disconnect();
    const again = await ada.connect();
    await sleep(OFFLINE_AFTER_MS + 500);
    expect((await shown()).is_online).toBe(true);
    again.disconnect();
    await sleep(OFFLINE_AFTER_MS - 1500);
    expect((await shown()).is_online).toBe(true);
    const gone = await eventually(async () => {
      const row = await shown();
      // Stored a moment later.
      return row.is_online || row.last_seen === null ? undefined : row;
    }, 'offline');
    expect(Date.parse(gone.last_seen)).toBeGreaterThan(Date.now() - 60_000);
  });
});
