// Every route of the server, as nobody and with each role: who gets in, and what the others are told.
import { Controller, Get, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Public } from '../../src/common/identity.js';
import { TokenGuard } from '../../src/identity/token.guard.js';
import type { Role } from '../../src/identity/roles.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, Person } from '../support/client.js';
import { LIBRARY_ROUTES, NO_ID, type Route, ROUTES, split } from '../support/routes.js';
import { elevate, setRole } from '../support/staff.js';

interface Caller {
  name: string;
  role?: Role;
  isElevated?: boolean;
}

const CALLERS: Caller[] = [
  { name: 'nobody' },
  { name: 'a person', role: 'person' },
  { name: 'a moderator', role: 'moderator' },
  { name: 'an elevated moderator', role: 'moderator', isElevated: true },
  { name: 'an admin', role: 'admin' },
  { name: 'an elevated admin', role: 'admin', isElevated: true },
];

const RANKS: Role[] = ['person', 'moderator', 'admin'];

/** The code that a caller is refused with; undefined where they get in. */
function refusal({ isPublic, needs, isUnelevated }: Route, { role, isElevated }: Caller): string | undefined {
  if (isPublic) return undefined;
  if (!role) return 'token_missing';
  if (!needs) return undefined;
  if (RANKS.indexOf(role) < RANKS.indexOf(needs)) return 'forbidden';
  return isElevated || isUnelevated ? undefined : 'elevation_required';
}

onAllDialects('roles', (dialect) => {
  let app: TestApp;
  const people = new Map<string, Person>();

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    for (const { name, role } of CALLERS) {
      if (!role) continue;
      const person = await Person.known(app);
      await setRole(app, person, role);
      people.set(name, person);
    }
  });
  afterAll(() => app.stop());

  /** In a session of its own: some routes end it. */
  const tokenOf = async ({ name, isElevated }: Caller): Promise<string | undefined> => {
    const person = people.get(name);
    if (!person) return undefined;
    const token = await app.createSession(person.id);
    // As elevating does, without hashing a password for each route.
    if (isElevated)
      await app.database.query(
        "UPDATE sessions SET elevated_until = '2999-01-01 00:00:00.000' WHERE user_id = ? AND revoked_at IS NULL",
        [person.id],
      );
    return token;
  };

  it('are decided in the table for every route below /http/admin', () => {
    const routes = app.routes.filter((route) => !LIBRARY_ROUTES.test(route) && route.includes(' /http/admin/'));
    expect(routes.sort()).toEqual(
      ROUTES.filter(({ needs }) => needs)
        .map(({ route }) => route)
        .sort(),
    );
  });

  describe.each(CALLERS)('$name', (caller) => {
    it('gets what the table says, of every route', async () => {
      const wrong: string[] = [];
      for (const route of ROUTES) {
        const { method, url, body } = split(route, NO_ID);
        const token = await tokenOf(caller);
        const answer = await call(app, method, url, { body, ...(token !== undefined && { token }) });
        const refused = refusal(route, caller);
        const isRefused =
          answer.status === (caller.role ? 403 : 401) && (answer.body as { code?: string }).code === refused;
        const isServed = route.needs
          ? answer.status === (route.served ?? 200)
          : !['token_missing', 'elevation_required'].includes(answer.body?.code) && answer.status < 500;
        if (refused === undefined ? !isServed : !isRefused)
          wrong.push(`${route.route}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 100)}`);
      }
      expect(wrong).toEqual([]);
    });
  });

  it('are lost with the session, and with the role, whatever is elevated', async () => {
    const person = await Person.known(app);
    await setRole(app, person, 'admin');
    await elevate(app, person);
    const list = () => call(app, 'GET', '/http/admin/users', { token: person.token });
    expect((await list()).status).toBe(200);
    await setRole(app, person, 'moderator');
    expect((await list()).body.code).toBe('forbidden');
    await setRole(app, person, 'admin');
    await person.get('/http/logout');
    expect((await list()).body.code).toBe('session_revoked');
  });
});

describe('a route below /http/admin that says nothing of a role', () => {
  @Controller('http/admin/forgotten')
  class Forgotten {
    @Get()
    @Public()
    show(this: void) {
      return 'secret';
    }
  }

  /** With nothing behind it: it must not get as far. */
  @Injectable()
  class Bare extends TokenGuard {
    constructor() {
      super(new Reflector(), ...([] as never as [never, never, never, never, never]));
    }
  }

  it('is closed to everybody, even where it says that it is public', async () => {
    const context = {
      getType: () => 'http',
      getHandler: () => Forgotten.prototype.show,
      getClass: () => Forgotten,
      switchToHttp: () => ({
        getRequest: () => ({ method: 'GET', headers: {}, routeOptions: { url: '/http/admin/forgotten' } }),
      }),
    };
    await expect(new Bare().canActivate(context as never)).rejects.toThrow('lacks @NeedsRole()');
  });
});
