// The worst moment for a connection to break: while a COMMIT is under way. Stored or not is then settled by looking, never by
// storing again.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkTokenHash, newLinkToken } from '../../src/identity/link-tokens.js';
import { EmailLink } from '../../src/auth/email/email-link.entity.js';
import { PasswordReset } from '../../src/auth/password-reset.entity.js';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import type { DomainEventName } from '../../src/domain-events/events.js';
import { onPrivateServers, TestApp, temporaryFolder } from '../support/app.js';
import {
  type Answer,
  call,
  type ChatSocket,
  eventually,
  linkPath,
  mailTo,
  next,
  Person,
  send,
  sendTo,
} from '../support/client.js';
import { type DatabaseServer, UNFLUSHED } from '../support/database-server.js';
import { acknowledgedMore, Crowd } from '../support/crowd.js';
import { Ledger, storedRows } from '../support/ledger.js';
import { assertTotals } from '../support/reactions.js';
import { type LostPart, TcpProxy } from '../support/tcp-proxy.js';

let databases = 0;

const tests = (database: () => DatabaseServer): void => {
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

  /** Cuts the next COMMIT of a batch of messages, or of a transaction that sends `of`: others are under way, of who is online, say. */
  const cut = (
    part: LostPart,
    { of = 'INSERT INTO messages', ...how }: { of?: string; andRefuse?: boolean; halfOpen?: boolean } = {},
  ) => {
    const cuts = proxy.cuts;
    proxy.loseNext(part, { of, ...how });
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

  it.each([
    ['was carried out', 'answer'],
    ['was not', 'commit'],
  ] as const)('of a deletion that %s: the others are told once, and a repeat is harmless', async (_, part) => {
    const [ada, bob] = crowd.people;
    const bobs = crowd.sockets.get(bob)!;
    const { chat_room_id: room } = await sendTo(crowd.sockets.get(ada)!, bob.id, 'one');
    const updates: object[] = [];
    bobs.on('message_update', (update: object) => updates.push(update));
    const remove = () => call(app, 'DELETE', `/http/chat_rooms/${room}/messages/1`, { token: ada.token });
    const isCut = cut(part, { of: 'message_changes' });
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
    ['was carried out', 'answer'],
    ['was not', 'commit'],
  ] as const)(
    'of reactions that %s: they are told once, and counted once, however often they are sent',
    async (_, part) => {
      const [ada, bob] = crowd.people;
      const bobs = crowd.sockets.get(bob)!;
      const { chat_room_id: room } = await sendTo(crowd.sockets.get(ada)!, bob.id, 'one');
      const told: object[] = [];
      bobs.on('message_reactions', (event: object) => told.push(event));
      const react = (one: Person) =>
        call(app, 'PUT', `/http/chat_rooms/${room}/messages/1/reactions`, {
          token: one.token,
          body: { emoji: '👍', is_on: true },
        });
      const isCut = cut(part, { of: 'INSERT INTO reactions' });
      expect((await react(ada)).status).toBe(part === 'answer' ? 200 : 503);
      await isCut;
      for (const one of [ada, bob, ada]) expect((await react(one)).status).toBe(200);
      const marker = next<{ message: string }>(bobs, 'message', ({ message }) => message === 'marker');
      await sendTo(crowd.sockets.get(ada)!, bob.id, 'marker');
      await marker;
      expect(told).toMatchObject([
        { change: 1, reactions: [{ count: 1 }], changed: [{ user_id: ada.id }] },
        { change: 2, reactions: [{ count: 2 }], changed: [{ user_id: bob.id }] },
      ]);
      await assertTotals(app);
    },
  );

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

  describe('and that changes something else', () => {
    const ask = (person: Person, method: string, path: string, body?: unknown) =>
      call(app, method, path, { token: person.token, body });
    /** What a user does, what its transaction sends among other statements, and which events tell of it. */
    type Change = [what: string, of: string, act: () => Promise<Answer>, events: DomainEventName[]];
    const NAMES = [
      'groupChanged',
      'ownerChanged',
      'memberJoined',
      'memberLeft',
      'groupEntered',
      'groupLeft',
      'accessRequestChanged',
      'readMarkMoved',
      'blockChanged',
      'userChanged',
    ] as const;

    /** Each of them is possible once those before it were carried out. */
    const changes = async (): Promise<Change[]> => {
      const [ada, bob, cyd] = crowd.people;
      const group = `/http/chat_groups/${crowd.group}`;
      const requests = `/http/chat_groups/access_requests/${crowd.group}`;
      const { chat_room_id: room } = await sendTo(crowd.sockets.get(bob)!, ada.id, 'to be read');
      const attend = (is_enter: boolean) => () => ask(bob, 'POST', group, { is_enter });
      const leave = () => ask(bob, 'DELETE', `${group}/members/${bob.id}`);
      const remove = () => ask(ada, 'DELETE', `${group}/members/${bob.id}`);
      const request = () => ask(bob, 'POST', requests);
      const answer = (access: boolean) => () => ask(ada, 'PUT', requests, { requester_id: bob.id, access });
      const add = () => ask(ada, 'POST', `${group}/members`, { user_id: bob.id });
      const owner = (from: Person, to: Person) => () => ask(from, 'PUT', group, { owner_id: to.id });
      const fresh = { email: 'fresh@example.com', password: 'correct horse battery' };
      await call(app, 'POST', '/http/register', { body: { ...fresh, first_name: 'Fresh', last_name: 'Lovelace' } });
      const link = linkPath(await mailTo(app, fresh.email));
      return [
        [
          'a new group',
          'chat_groups',
          () => ask(ada, 'POST', '/http/chat_groups', { chat_group_name: 'New' }),
          ['memberJoined'],
        ],
        [
          'a new name of a group',
          'chat_groups',
          () => ask(ada, 'PUT', group, { chat_group_name: 'Renamed' }),
          ['groupChanged'],
        ],
        ['a new owner', 'chat_groups', owner(ada, cyd), ['ownerChanged', 'groupChanged']],
        ['the former owner again', 'chat_groups', owner(cyd, ada), ['ownerChanged', 'groupChanged']],
        ['leaving a group', 'members', attend(false), ['groupLeft']],
        ['entering it', 'members', attend(true), ['groupEntered']],
        ['the end of a membership', 'members', leave, ['memberLeft']],
        ['a new member', 'members', attend(true), ['memberJoined']],
        ['a removal', 'group_removals', remove, ['memberLeft']],
        ['a request for access', 'access_requests', request, ['accessRequestChanged']],
        ['its refusal', 'access_requests', answer(false), ['accessRequestChanged']],
        ['a member by the hand of the owner', 'members', add, ['memberJoined']],
        ['another removal', 'group_removals', remove, ['memberLeft']],
        ['another request', 'access_requests', request, ['accessRequestChanged']],
        ['its acceptance', 'access_requests', answer(true), ['memberJoined', 'accessRequestChanged']],
        [
          'a read mark',
          'last_read_seq',
          () => ask(ada, 'PUT', '/http/notifications', { chat_room_id: room }),
          ['readMarkMoved'],
        ],
        ['a block', 'blocks', () => ask(ada, 'PUT', `/http/users/${bob.id}/block`), ['blockChanged']],
        ['its end', 'blocks', () => ask(ada, 'DELETE', `/http/users/${bob.id}/block`), ['blockChanged']],
        [
          'a new name',
          'UPDATE `users`',
          () => ask(ada, 'PUT', '/http/users/profile', { first_name: 'Augusta' }),
          ['userChanged'],
        ],
        ['a new account', 'INSERT INTO `users`', () => call(app, 'GET', link), ['userChanged']],
        ['a login', 'INSERT INTO `sessions`', () => call(app, 'POST', '/http/login', { body: fresh }), []],
      ];
    };
    const recorded = (): string[] => {
      const names: string[] = [];
      for (const name of NAMES) app.get(DomainEvents).on(name, () => void names.push(name));
      return names;
    };

    it('answers as if the answer had come where it was carried out, and publishes its events once', async () => {
      const events = recorded();
      for (const [what, of, act, names] of await changes()) {
        events.length = 0;
        const isCut = cut('answer', { of });
        expect((await act()).status, what).toBeOneOf([200, 201, 204]);
        await isCut;
        expect(events, what).toEqual(names);
      }
    });

    it('says that nothing was changed where it was not, publishes nothing, and a repeat does it', async () => {
      const events = recorded();
      for (const [what, of, act, names] of await changes()) {
        events.length = 0;
        const isCut = cut('commit', { of });
        const { status, body } = await act();
        expect([status, body.message], what).toEqual([503, expect.stringContaining('nothing was changed')]);
        await isCut;
        expect(events, what).toEqual([]);
        expect((await act()).status, what).toBeOneOf([200, 201, 204]);
        expect(events, what).toEqual(names);
      }
    });

    it.each([
      ['was carried out', 'answer'],
      ['was not', 'commit'],
    ] as const)('of a member who went offline, and %s, is published once, and they are out', async (_, part) => {
      const bob = crowd.people[1];
      const gone: number[] = [];
      app
        .get(DomainEvents)
        .on('membersWentOffline', ({ members }) => void gone.push(...members.map(({ userId }) => userId)));
      const isCut = cut(part, { of: 'UPDATE members SET is_in = 0' });
      expect((await ask(bob, 'POST', '/http/logout')).status).toBe(200);
      await isCut;
      await eventually(() => gone.length > 0 || undefined, 'the event');
      expect(gone).toEqual([bob.id]);
      const rows = await app.database.query('SELECT is_in FROM members WHERE conversation_id = ? AND user_id = ?', [
        crowd.group,
        bob.id,
      ]);
      expect(rows).toEqual([{ is_in: 0 }]);
    });
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
      [
        'the way back to a former address',
        async () => {
          const token = newLinkToken();
          const expiresAt = new Date(Date.now() + 60_000);
          const way = { userId: crowd.people[0].id, email: 'former@example.com', isReturn: true };
          await app.database.manager.insert(EmailLink, { ...way, tokenHash: linkTokenHash(token), expiresAt });
          return call(app, 'POST', '/http/email/return', { body: { token } });
        },
      ],
      ['an erasure', (stays) => ask(stays, 'DELETE', '/http/users/profile', { password: 'nobody knows' })],
    ];
    // An erasure deletes their rows from there. While these are being stored, it waits for them, and for two seconds at most.
    beforeEach(async () => {
      const online = () => app.database.query('SELECT user_id FROM online_people');
      const { length } = crowd.people;
      await eventually(async () => (await online()).length === length || undefined, 'the rows of those who are online');
    });
    /** Of the transaction that ends sessions. */
    const OF = 'UPDATE `sessions`';
    const ended = async (part: LostPart, end: End, andRefuse = false) => {
      const ada = crowd.people[0];
      const goes = await app.createSession(ada.id);
      const socket = await ada.connect(goes);
      proxy.loseNext(part, { of: OF, andRefuse });
      const told = next<{ code: string }>(socket, 'exception').catch(() => undefined);
      const answer = await end(ada.token, goes);
      expect(proxy.cuts).toBe(1);
      return { goes, socket, told, answer };
    };
    it.each(ways)('closes their sockets where it was carried out: %s', async (_, end) => {
      const { socket, told, answer } = await ended('answer', end);
      expect((await told)?.code).toBe('session_revoked');
      await eventually(() => socket.disconnected || undefined, 'the end of the socket');
      expect([200, 204]).toContain(answer.status);
    });

    it.each(ways)('leaves them open where it was not: %s', async (_, end) => {
      const { socket, answer } = await ended('commit', end);
      expect(answer.body.code).toBe('unavailable');
      expect(await sendTo(socket, crowd.people[1].id, 'still here')).toMatchObject({ ok: true });
    });

    it('tells nobody of an erasure that was not carried out, though the sessions have ended by other means', async () => {
      const [ada] = crowd.people;
      const erased: number[] = [];
      app.get(DomainEvents).on('accountErased', ({ userId }) => void erased.push(userId));
      proxy.loseNext('commit', { of: OF, andRefuse: true });
      const answer = ask(ada.token, 'DELETE', '/http/users/profile', { password: 'nobody knows' });
      await eventually(() => proxy.cuts === 1 || undefined, 'a cut COMMIT');
      await database().query(
        `UPDATE commits${databases}.sessions SET revoked_at = '2026-01-01 00:00:00.000' WHERE user_id = ${ada.id}`,
      );
      proxy.accept();
      expect((await answer).body.code).toBe('unavailable');
      expect(erased).toEqual([]);
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
};

// Only connections are cut: the servers need not wait for the disk, which may take seconds where others use it.
onPrivateServers('a COMMIT whose connection breaks', tests, UNFLUSHED);
