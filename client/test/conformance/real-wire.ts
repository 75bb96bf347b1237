import { setTimeout as sleep } from 'node:timers/promises';
import { AdminGroupsService } from '../../../src/admin/admin-groups.service.js';
import { AdminUsersService } from '../../../src/admin/admin-users.service.js';
import { AdminInvitesService } from '../../../src/admin/admin-invites.service.js';
import { AdminSettingsService } from '../../../src/admin/admin-settings.service.js';
import { Clock } from '../../../src/common/timing/clock.js';
import { Publisher } from '../../../src/sockets/publisher.js';
import { TestApp } from '../../../test/support/app.js';
import { call, eventually, mails, next, open } from '../../../test/support/client.js';
import { CompletionsServer, Dictation } from '../../../test/support/completions-server.js';
import { emailOf, type Told, type Wire, type WireOptions, type WirePerson, type WireSocket } from './wire.js';

/** The real server, with real sockets and requests, on the embedded database. */
export async function realWire({ rates }: WireOptions): Promise<Wire> {
  const completions = await CompletionsServer.start();
  const dictation = new Dictation();
  completions.behave(dictation.behaviour);
  const env = { BOT_URL: completions.url, BOT_MODEL: 'test', RATE_LIMITS: rates ? 'on' : 'off' };
  let app = await TestApp.start('sqlite', env);
  const sockets: WireSocket[] = [];
  return {
    person: async (firstName): Promise<WirePerson> => {
      const email = emailOf(firstName);
      return { email, name: firstName, ...(await app.createUser(email, firstName)) };
    },
    fetch: async (method, path, { token, ...given } = {}) => {
      const { status, body, headers } = await call(app, method, path, {
        ...given,
        ...(token !== undefined && { token }),
      });
      const [retryAfter, link] = [headers.get('retry-after'), headers.get('link')];
      return { status, body, ...(retryAfter !== null && { retryAfter }), ...(link !== null && { link }) };
    },
    connect: async (token) => {
      const socket = open(app, { auth: { token } });
      const told: Told[] = [];
      const tell = (name: string, payload: unknown): void => void told.push({ name, payload });
      socket.onAny(tell);
      socket.on('disconnect', () => tell('closed', null));
      await Promise.race([
        next(socket, 'connect'),
        next<Error & { data?: unknown }>(socket, 'connect_error').then(({ data, message }) => {
          throw data ?? message;
        }),
      ]);
      const wired: WireSocket = {
        told,
        emit: async (event, payload, isTold = true) =>
          new Promise((resolve, reject) => {
            // Noted in the moment in which it comes: behind what came before it.
            (socket as any).timeout(15_000).emit(event, payload, (error: Error | null, answer: unknown) => {
              if (error) return reject(error);
              if (isTold) tell('acknowledgement', answer);
              resolve(answer);
            });
          }),
        close: () => void socket.disconnect(),
        drop: () => (socket.io.engine as any).transport.ws.terminate(),
      };
      sockets.push(wired);
      return wired;
    },
    moment: () => sleep(5),
    until: (ask, what) => eventually(ask, what, 40_000),
    links: async (email) =>
      (await mails(app)).filter(({ to }) => to === email).flatMap(({ links }) => pathOf(links[0])),
    subjects: async (email) => (await mails(app)).filter(({ to }) => to === email).map(({ subject }) => subject),
    later: (ms) => {
      const clock = app.get(Clock);
      const before = clock.now.bind(clock);
      clock.now = () => new Date(before().getTime() + ms);
      return Promise.resolve();
    },
    bot: {
      asked: () => dictation.questions.length,
      say: (text) => dictation.say(text),
      end: () => dictation.end(),
      fail: () => dictation.hangUp(),
    },
    freeze: async (groupId, isFrozen = true) =>
      void (await app.get(AdminGroupsService).change('console', groupId, { is_frozen: isFrozen })),
    suspend: async (userId, isSuspended = true) =>
      void (await app.get(AdminUsersService).change('console', userId, { is_suspended: isSuspended })),
    // A server by itself misses nothing.
    resync: () => {
      const publisher = app.get(Publisher);
      for (const socket of publisher.boundSockets()) publisher.resync(socket, 'events_missed');
      return Promise.resolve();
    },
    operate: async (changed) => void (await app.get(AdminSettingsService).change('console', changed)),
    invite: async (uses) => (await app.get(AdminInvitesService).create('console', { max_uses: uses })).token,
    restart: async () => {
      app = await app.restart();
    },
    end: async () => {
      for (const socket of sockets) socket.close();
      await app.stop();
      await completions.close();
    },
  };
}

const pathOf = (link: string): string => new URL(link).pathname;
