// Rubbish on every route and every event: an error that the protocol knows, never a crash, never a closed socket.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, Person, sendTo } from '../support/client.js';
import { anything, nearly } from '../support/rubbish.js';
import { staff } from '../support/staff.js';

const RUNS = 150;

onAllDialects('rubbish', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    // She may call every route.
    [ada, bob] = [await staff(app, 'admin', 'Ada'), await Person.known(app, 'Bob')];
  });
  afterAll(() => app.stop());

  const BODIES: [string, string, string[]][] = [
    ['POST', '/http/register', ['email', 'password', 'first_name', 'last_name', 'invite']],
    ['POST', '/http/login', ['email', 'password']],
    ['POST', '/http/register/resend', ['email']],
    ['POST', '/http/password/forgot', ['email']],
    ['POST', '/http/password/reset', ['token', 'password']],
    ['DELETE', '/http/users/profile', ['password']],
    ['DELETE', '/http/sessions/1999999999', ['id']],
    ['PUT', '/http/users/profile', ['first_name', 'last_name', 'current_password']],
    ['POST', '/http/users/profile/export', ['password']],
    ['PUT', '/http/notifications', ['chat_room_id', 'chat_group_id', 'seq']],
    ['POST', '/http/chat_groups', ['chat_group_name', 'author_id', 'is_private']],
    ['PUT', '/http/chat_groups', ['chat_group_id', 'chat_group_name', 'owner_id']],
    ['POST', '/http/chat_groups/1', ['is_enter']],
    ['PUT', '/http/chat_groups/1', ['chat_group_name', 'owner_id']],
    ['POST', '/http/chat_groups/1/members', ['user_id']],
    ['PUT', '/http/chat_groups/access_requests/1', ['requester_id', 'access']],
    ['PUT', '/http/chat_rooms/1/messages/1', ['message', 'mentions', 'user_ids', 'everyone']],
    ['PUT', '/http/chat_groups/1/messages/1', ['message', 'mentions', 'user_ids', 'everyone']],
    ['PUT', '/http/chat_rooms/1/messages/1/reactions', ['emoji', 'is_on']],
    ['PUT', '/http/chat_groups/1/messages/1/reactions', ['emoji', 'is_on']],
    ['POST', '/http/admin/invites', ['max_uses', 'expires_in_hours', 'note', 'group_ids']],
    ['POST', '/http/admin/users/1/export', ['reason']],
    ['DELETE', '/http/admin/invites/1', ['reason']],
    ['PUT', '/http/admin/settings', ['registration', 'allowed_domains', 'registrations_per_hour', 'motd']],
    [
      'PUT',
      '/http/chat_settings',
      ['chat_room_id', 'chat_group_id', 'notify', 'muted_until', 'is_favourite', 'is_archived'],
    ],
  ];

  it.each(BODIES)('as the body of %s %s', async (method, path, fields) => {
    await fc.assert(
      fc.asyncProperty(nearly(...fields), async (body) => {
        const text = JSON.stringify(body);
        const answer = await call(app, method, path, { token: ada.token, body: text });
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400)
          expect(answer.body).toMatchObject({
            statusCode: answer.status,
            code: expect.any(String),
            message: expect.any(String),
          });
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
    expect((await ada.get('/http/users/profile')).status).toBe(200);
  });

  it.each([
    '/http/users',
    '/http/users/blocked',
    '/http/chat_rooms',
    '/http/notifications',
    '/http/mentions',
    '/http/chat_rooms/1',
    '/http/chat_groups',
    '/http/chat_rooms/1/messages/1/reactions',
    '/http/chat_groups/1',
    '/http/chat_groups/access_requests/1',
    '/http/users/group/1',
    '/http/chat_bot',
  ])('as the query of GET %s', async (path) => {
    const fields = fc.constantFrom(
      'until',
      'before',
      'after',
      'changes_after',
      'limit',
      'query',
      'emoji',
      'cursor',
      '__proto__',
      'x',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('0', '1', '-1', '1e9', '2026-13-01T00:00:00Z', '%', "'", '\\'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fields, text), { maxLength: 4 }), async (pairs) => {
        const { status, body } = await call(app, 'GET', `${path}?${new URLSearchParams(pairs).toString()}`, {
          token: ada.token,
        });
        expect(status).toBeLessThan(500);
        if (status >= 400) expect(body.code).toEqual(expect.any(String));
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
  });

  it('as a path', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/http/chat_rooms/', '/http/register/', '/http/', '/', '/socket'),
        fc.string({ unit: 'binary', maxLength: 300 }),
        async (path, rest) => {
          const { status } = await call(app, 'GET', path + encodeURIComponent(rest.toWellFormed()), {
            token: ada.token,
          });
          expect(status).toBeLessThan(500);
        },
      ),
      { numRuns: RUNS, includeErrorInReport: true },
    );
  });

  describe('over a socket', () => {
    const survives = async (socket: ChatSocket) => {
      expect(socket.connected).toBe(true);
      expect((await sendTo(socket, bob.id, 'still here')).ok).toBe(true);
    };

    it('as the payload of message', async () => {
      const socket = await ada.connect();
      await fc.assert(
        fc.asyncProperty(
          nearly(
            'chat_type',
            'other_user_id',
            'chat_group_id',
            'is_enter',
            'message',
            'client_id',
            'reply_to',
            'is_silent',
            'mentions',
          ),
          async (payload) => {
            // A token of its own closes the socket, as it should: that is another test.
            const { token: _, ...rest } = (payload ?? {}) as { token?: unknown };
            const sent = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? rest : payload;
            const answer = await (socket as any).timeout(10_000).emitWithAck('message', sent);
            expect(answer.ok === true || typeof answer.error.code === 'string').toBe(true);
            if (!answer.ok) expect(answer.error.code).not.toBe('internal');
          },
        ),
        { numRuns: RUNS * 2, includeErrorInReport: true },
      );
      await survives(socket);
    });

    it.each([
      ['read', ['chat_room_id', 'chat_group_id', 'seq']],
      ['react', ['chat_room_id', 'chat_group_id', 'seq', 'emoji', 'is_on']],
      ['typing', ['chat_type', 'other_user_id', 'chat_group_id']],
    ])('as the payload of %s', async (event, fields) => {
      const socket = await ada.connect();
      await fc.assert(
        fc.asyncProperty(nearly(...fields), async (payload) => {
          const answer = await (socket as any).timeout(10_000).emitWithAck(event, payload);
          expect(answer.ok === true || typeof answer.error.code === 'string').toBe(true);
          if (!answer.ok) expect(answer.error.code).not.toBe('internal');
        }),
        { numRuns: RUNS, includeErrorInReport: true },
      );
      await survives(socket);
    });

    it('as a message that is nearly right', async () => {
      const socket = await ada.connect();
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            message: anything,
            client_id: fc.option(anything, { nil: undefined }),
            other_user_id: fc.oneof(fc.constant(bob.id), anything),
          }),
          async (fields) => {
            const answer = await (socket as any)
              .timeout(10_000)
              .emitWithAck('message', { chat_type: 'room', ...fields });
            expect(answer.ok === true || answer.error.code !== 'internal').toBe(true);
            if (!answer.ok) return;
            const { body } = await bob.get(`/http/chat_rooms/${answer.chat_room_id}?before=${answer.seq + 1}&limit=1`);
            expect(body[0].message).toBe(fields.message);
          },
        ),
        { numRuns: RUNS * 2, includeErrorInReport: true },
      );
      await survives(socket);
    });

    it('as the payload of bot_stop', async () => {
      const socket = await ada.connect();
      await fc.assert(
        fc.asyncProperty(nearly('question_seq'), async (payload) => {
          const answer = await (socket as any).timeout(10_000).emitWithAck('bot_stop', payload);
          expect(answer.ok === true || answer.error.code !== 'internal').toBe(true);
        }),
        { numRuns: RUNS, includeErrorInReport: true },
      );
      await survives(socket);
    });

    it('as an event, with any number of arguments, with or without an acknowledgement', async () => {
      const socket = await ada.connect();
      const reserved = new Set([
        'connect',
        'connect_error',
        'disconnect',
        'disconnecting',
        'newListener',
        'removeListener',
      ]);
      const event = fc
        .oneof(
          fc.constantFrom('message', 'exception', 'read', 'react', 'typing', 'bot_stop', 'error', '__proto__', ''),
          fc.string({ maxLength: 20 }),
        )
        .filter((name) => !reserved.has(name));
      await fc.assert(
        fc.asyncProperty(event, fc.array(anything, { maxLength: 3 }), fc.boolean(), async (name, args, wantsAnswer) => {
          if (!wantsAnswer) {
            (socket as any).emit(name, ...args);
            return;
          }
          const answer = await (socket as any).timeout(10_000).emitWithAck(name, ...args);
          expect(answer.ok === true || typeof answer.error.code === 'string').toBe(true);
        }),
        { numRuns: RUNS, includeErrorInReport: true },
      );
      await survives(socket);
    });
  });
});
