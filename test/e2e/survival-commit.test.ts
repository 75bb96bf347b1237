// The worst moment for a connection to break: while a COMMIT is under way. Stored or not is then settled by looking, never by
// storing again.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkTokenHash, newLinkToken } from '../../src/identity/link-tokens.js';
import { PasswordReset } from '../../src/auth/password-reset.entity.js';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { Sessions } from '../../src/identity/sessions.js';
import { onPrivateServers, TestApp, temporaryFolder } from '../support/app.js';
import { type Answer, call, type ChatSocket, eventually, next, type Person, send, sendTo } from '../support/client.js';
import { acknowledgedMore, Crowd } from '../support/crowd.js';
import { Ledger, storedRows } from '../support/ledger.js';
import { type LostPart, TcpProxy } from '../support/tcp-proxy.js';

let databases = 0;

onPrivateServers('a COMMIT whose connection breaks', (database) => {
  let app: TestApp;
  let proxy: TcpProxy;
  let crowd: Crowd;
  /** Past the proxy. */
  let direct: Record<string, string>;

  beforeEach(async () => {
    const name = `commits${++databases}`;
    await database().query(`CREATE DATABASE ${name}`);
    proxy = await TcpProxy.start(database().port);
    direct = {
      DATABASE_URL: `${database().url}/${name}`,
      JWT_SECRET: 'a secret for tests, longer than 32 bytes',
      DATA_DIR: temporaryFolder(),
      PUBLIC_URL: 'http://localhost:3000',
    };
    app = await TestApp.startIn({ ...direct, DATABASE_URL: proxy.urlOf(name) });
    crowd = await (await Crowd.gather(app)).connect(app);
  });
  afterEach(async () => {
    proxy.accept();
    crowd.hangUp();
    await app.stop();
    await proxy.close();
  });

  const cut = (part: LostPart, options?: { andRefuse?: boolean; halfOpen?: boolean }) => {
    const cuts = proxy.cuts;
    proxy.loseNext(part, options);
    return eventually(() => proxy.cuts > cuts || undefined, 'a cut COMMIT');
  };

  it('is settled by its rows, whichever way it went, as often as it happens', async () => {
    const ledger = new Ledger();
    crowd.startSending(ledger);
    for (const part of ['answer', 'commit', 'answer', 'commit', 'answer', 'answer', 'commit', 'commit'] as const) {
      await acknowledgedMore(ledger, 60);
      await cut(part);
    }
    await acknowledgedMore(ledger, 100);
    await ledger.stop();
    expect(proxy.cuts).toBe(8);
    expect([...ledger.refused.keys()]).toEqual(['unavailable']);
    await ledger.settle(direct, crowd.sockets);
  });

  it('is acknowledged where only the answer was lost, and refused where it did not arrive', async () => {
    const [ada, bob] = crowd.people;
    const socket = crowd.sockets.get(ada)!;
    const carriedOut = cut('answer');
    expect(await sendTo(socket, bob.id, 'one', 'id-1')).toMatchObject({ ok: true, seq: 1 });
    await carriedOut;
    const lost = cut('commit');
    expect((await sendTo(socket, bob.id, 'two', 'id-2')).error.code).toBe('unavailable');
    await lost;
    expect((await storedRows(direct)).map(({ body }) => body)).toEqual(['one']);
    expect((await sendTo(socket, bob.id, 'two', 'id-2')).seq).toBe(2);
  });

  /** That people are online is noted soon after, by a COMMIT of its own. */
  const areOnline = () =>
    eventually(async () => {
      const rows = await app.database.query('SELECT user_id FROM online_people');
      return rows.length === crowd.people.length || undefined;
    }, 'that it is noted who is online');

  it.each([
    ['was carried out', 'answer'],
    ['was not', 'commit'],
  ] as const)('of a deletion that %s: the others are told once, and a repeat is harmless', async (_, part) => {
    const [ada, bob] = crowd.people;
    const bobs = crowd.sockets.get(bob)!;
    const { chat_room_id: room } = await sendTo(crowd.sockets.get(ada)!, bob.id, 'one');
    await areOnline();
    const updates: object[] = [];
    bobs.on('message_update', (update: object) => updates.push(update));
    const remove = () => call(app, 'DELETE', `/http/chat_rooms/${room}/messages/1`, { token: ada.token });
    const isCut = cut(part);
    expect((await remove()).status).toBe(part === 'answer' ? 200 : 503);
    await isCut;
    expect(await remove()).toMatchObject({ status: 200, body: { deleted: true, change: 1 } });
    // Whatever there is to be told of it comes before this.
    const marker = next<{ message: string }>(bobs, 'message', ({ message }) => message === 'marker');
    await sendTo(crowd.sockets.get(ada)!, bob.id, 'marker');
    await marker;
    expect(updates).toMatchObject([{ seq: 1, deleted: true, change: 1 }]);
  });

  it.each([
    ['was carried out', 'room', 'answer', ['one']],
    ['was carried out', 'group', 'answer', ['one']],
    ['was not', 'room', 'commit', []],
  ] as const)(
    'that %s (in a %s), in a database that stays away for longer than anybody looks, is unavailable; it is told once, and a repeat finds the one place',
    async (_, kind, part, rows) => {
      const [ada, bob] = crowd.people;
      const [adas, bobs] = [crowd.sockets.get(ada)!, crowd.sockets.get(bob)!];
      const heard: [socket: string, text: string][] = [];
      for (const [name, socket] of [
        ['ada', adas],
        ['bob', bobs],
      ] as const)
        socket.on('message', (event) => {
          const { message: text } = event as { message: string };
          // Not the notices of who is in the group.
          if (['one', 'two'].includes(text)) heard.push([name, text]);
        });
      const toGroup = { chat_type: 'group', chat_group_id: crowd.group };
      const write = (socket: ChatSocket, to: Person, text: string) => {
        const target = kind === 'group' ? toGroup : { chat_type: 'room', other_user_id: to.id };
        return send(socket, { ...target, message: text, client_id: 'id-1' });
      };
      const isCut = cut(part, { andRefuse: true });
      const first = await write(adas, bob, 'one');
      expect(first.error.code).toBe('unavailable');
      expect(first.error.message).toContain('is unknown');
      await isCut;
      // Until it is known, nothing else is stored: it would be told first.
      expect((await write(bobs, ada, 'two')).error.message).toContain('is away');
      expect((await storedRows(direct)).map(({ body }) => body)).toEqual(rows);
      expect(heard).toEqual([]);
      proxy.accept();
      // Bob was connected all the time, and has no reason to ask.
      if (rows.length > 0) await eventually(() => heard.length === 2 || undefined, 'what was stored');
      else await eventually(async () => (await ada.get('/health/ready')).status === 200 || undefined, 'the database');
      const again = [];
      for (const [socket, to, text] of [
        [adas, bob, 'one'],
        [bobs, ada, 'two'],
        [adas, bob, 'one'],
      ] as const)
        again.push(await eventually(() => write(socket, to, text).then((answer) => (answer.ok ? answer : undefined))));
      expect(again.map(({ seq }) => seq)).toEqual([1, 2, 1]);
      expect((await storedRows(direct)).map(({ body }) => body)).toEqual(['one', 'two']);
      await eventually(() => heard.length >= 4 || undefined, 'both messages');
      for (const socket of ['ada', 'bob'])
        expect(heard.filter(([to]) => to === socket).map(([, text]) => text)).toEqual(['one', 'two']);
    },
  );

  it('and whose half that the database holds stays open, keeps its chats waiting for some seconds and no longer', async () => {
    const ledger = new Ledger();
    crowd.startSending(ledger);
    await acknowledgedMore(ledger, 100);
    // As where a firewall forgets a connection: the database waits for the rest of a transaction that nobody will send.
    await cut('commit', { halfOpen: true });
    await acknowledgedMore(ledger, 100);
    await ledger.settle(direct, crowd.sockets);
    expect([...ledger.refused.keys()]).toEqual(['unavailable']);
  });

  describe('and that ends sessions', () => {
    const ask = (token: string, method: string, path: string, body?: unknown) =>
      call(app, method, path, { token, body });
    /** Ends the session of `goes`, from `stays` where that is another one. */
    type End = (stays: string, goes: string) => Promise<Answer>;
    const ways: [string, End][] = [
      ['a logout', (_, goes) => ask(goes, 'POST', '/http/logout')],
      [
        'the end of another one',
        async (stays) => {
          const sessions: { id: number; current: boolean }[] = (await ask(stays, 'GET', '/http/sessions')).body;
          return ask(stays, 'DELETE', `/http/sessions/${sessions.find(({ current }) => !current)!.id}`);
        },
      ],
      ['the end of all others', (stays) => ask(stays, 'DELETE', '/http/sessions')],
      ['a new password', (stays) => ask(stays, 'PUT', '/http/users/profile', { password: 'a new password' })],
      [
        'a password that was forgotten',
        async () => {
          const token = newLinkToken();
          const expiresAt = new Date(Date.now() + 60_000);
          const link = { tokenHash: linkTokenHash(token), userId: crowd.people[0].id, expiresAt };
          await app.database.manager.insert(PasswordReset, link);
          return call(app, 'POST', '/http/password/reset', { body: { token, password: 'a new password' } });
        },
      ],
      ['an erasure', (stays) => ask(stays, 'DELETE', '/http/users/profile', { password: 'nobody knows' })],
    ];
    /** The COMMIT of what `end` does is the next one. */
    const ended = async (part: LostPart, end: End, andRefuse = false) => {
      const ada = crowd.people[0];
      const goes = await app.createSession(ada.id);
      const socket = await ada.connect(goes);
      // That she is online is noted soon after, by a COMMIT of its own.
      await eventually(
        async () =>
          (await app.database.query('SELECT 1 FROM online_people WHERE user_id = ?', [ada.id])).length > 0 || undefined,
        'that it is noted who is online',
      );
      vi.spyOn(app.get(Sessions), 'endAndClose').mockImplementation(function (this: Sessions, ...given) {
        proxy.loseNext(part, { andRefuse });
        return Sessions.prototype.endAndClose.apply(this, given);
      });
      const told = next<{ code: string }>(socket, 'exception').catch(() => undefined);
      const answer = await end(ada.token, goes);
      expect(proxy.cuts).toBe(1);
      return { goes, socket, told, answer };
    };
    afterEach(() => vi.restoreAllMocks());

    it.each(ways)('closes their sockets where it was carried out: %s', async (_, end) => {
      const { socket, told, answer } = await ended('answer', end);
      expect((await told)?.code).toBe('session_revoked');
      await eventually(() => socket.disconnected || undefined, 'the end of the socket');
      // An erasure knows by its rows that it was done.
      expect([503, 204]).toContain(answer.status);
    });

    it.each(ways)('leaves them open where it was not: %s', async (_, end) => {
      const { socket, answer } = await ended('commit', end);
      expect(answer.body.code).toBe('unavailable');
      expect(await sendTo(socket, crowd.people[1].id, 'still here')).toMatchObject({ ok: true });
    });

    it('tells nobody of an erasure that was not carried out, though the sessions have ended by other means', async () => {
      const [ada] = crowd.people;
      await areOnline();
      const told = vi.fn<() => void>();
      app.get(DomainEvents).on('accountErased', told);
      vi.spyOn(app.get(Sessions), 'endAndClose').mockImplementationOnce(function (this: Sessions, ...given) {
        proxy.loseNext('commit', { andRefuse: true });
        return Sessions.prototype.endAndClose.apply(this, given);
      });
      const answer = ask(ada.token, 'DELETE', '/http/users/profile', { password: 'nobody knows' });
      await eventually(() => proxy.cuts === 1 || undefined, 'a cut COMMIT');
      await database().query(
        `UPDATE commits${databases}.sessions SET revoked_at = '2026-01-01 00:00:00.000' WHERE user_id = ${ada.id}`,
      );
      proxy.accept();
      expect((await answer).body.code).toBe('unavailable');
      expect(told).not.toHaveBeenCalled();
    });

    it('of somebody who erases their account, and of which only later is known that it was carried out', async () => {
      const told = next<object>(crowd.sockets.get(crowd.people[1])!, 'user_update', (event) => 'deleted' in event);
      const { answer } = await ended('answer', ways.at(-1)![1], true);
      expect(answer.body.code).toBe('unavailable');
      proxy.accept();
      await told;
    });

    it('closes them where nobody can tell, and lets those in again whose sessions live', async () => {
      const { goes, socket, told, answer } = await ended('commit', ways[0][1], true);
      expect(answer.body.code).toBe('unavailable');
      expect((await told)?.code).toBe('unavailable');
      await eventually(() => socket.disconnected || undefined, 'the end of the socket');
      proxy.accept();
      const ada = crowd.people[0];
      await eventually(async () => (await ada.get('/health/ready')).status === 200 || undefined, 'the database');
      expect(await sendTo(await ada.connect(goes), crowd.people[1].id, 'back again')).toMatchObject({ ok: true });
    });
  });
});
