import type { Scenario } from './scenarios.js';

const PASSWORD = 'correct horse battery';

/** Steps 1 to 3, 16 and 17 of docs/protocol.md; sessions, passwords, the end of an account. */
export const ACCOUNTS: readonly Scenario[] = [
  {
    name: 'what the server says of itself, and what it does not know',
    play: async (scene) => {
      const ada = await scene.person('Ada');
      const { status, body } = await scene.wire.fetch('GET', '/http/server');
      // The fake server has nobody who looks after it.
      const features = body.features.filter((word: string) => word !== 'admin');
      scene.note('GET /http/server', { status, body: { ...body, features, version: '<version>' } });
      await scene.get(ada, '/http/no_such_route');
      await scene.ask(ada, 'DELETE', '/http/users');
      await scene.ask(ada, 'POST', '/http/login', '{no json', { 'content-type': 'application/json' });
      await scene.ask(ada, 'PUT', '/http/users/profile', 'first_name=x', { 'content-type': 'text/plain' });
      await scene.ask(ada, 'PUT', '/http/users/profile', { first_name: 'x'.repeat(70_000) });
      await scene.ask(undefined, 'GET', '/http/users');
      await scene.ask(undefined, 'GET', '/http/users', undefined, { authorization: 'Basic x' });
      await scene.ask(undefined, 'GET', '/http/users/profile', undefined, { authorization: `Bearer ${ada.token}` });
      await scene.ask({ ...ada, token: 'no token' }, 'GET', '/http/users');
    },
  },
  {
    name: 'who may register: modes, domains and invitations, which can change meanwhile',
    play: async (scene) => {
      const [[, a]] = await scene.online('Ada');
      const password = PASSWORD;
      const register = (name: string, invite?: string | null, domain = 'example.com') => {
        const body = { email: `${name}@${domain}`, password, first_name: 'New', last_name: '' };
        return scene.ask(undefined, 'POST', '/http/register', { ...body, ...(invite !== undefined && { invite }) });
      };
      const linkOf = async (name: string): Promise<string> => {
        const links = () => scene.wire.links(`${name}@example.com`);
        await scene.wire.until(async () => (await links())[0], `the mail to ${name}`);
        return (await links())[0];
      };
      const resend = (body: object) => scene.ask(undefined, 'POST', '/http/register/resend', body);
      const look = async () => {
        const { body } = await scene.wire.fetch('GET', '/http/server');
        scene.note('the server says', [body.registration, body.motd]);
      };
      await register('first');
      const waiting = await linkOf('first');
      for (const registration of ['closed', 'invite', 'domains', 'domains'] as const) {
        await scene.wire.operate({ registration, allowed_domains: ['example.org'], motd: `Now: ${registration}` });
        await look();
        for (const domain of ['example.com', 'example.org', 'sub.example.org'])
          await register('new', undefined, domain);
        for (const bad of ['x'.repeat(33), 'x', '', null, 7 as never]) await register('new', bad);
        await scene.ask(undefined, 'GET', waiting);
        await resend({ email: 'first@example.com', password });
        await resend({ email: 'nobody@example.com', password });
        await resend({ email: 'nobody@example.com' });
        await resend({ token: waiting.split('/').at(-1) });
        await resend({ token: 'x'.repeat(33) });
      }
      await a.hears('server_update', { registration: 'closed' });
      await a.hears('server_update', { registration: 'domains', motd: 'Now: domains' });
      const invite = await scene.wire.invite(1);
      await register('second', invite);
      await register('third', ` ${invite}. `);
      const [second, third] = [await linkOf('second'), await linkOf('third')];
      await resend({ email: 'second@example.com', password });
      await scene.ask(undefined, 'GET', second);
      await a.hears('user_update', { first_name: 'New' });
      await scene.ask(undefined, 'GET', third);
      await scene.ask(undefined, 'GET', second);
      await register('late', invite);
      await resend({ token: third.split('/').at(-1) });
      await scene.wire.operate({ registration: 'open', motd: '' });
      await a.hears('server_update', { registration: 'open', motd: null });
      await register('late', invite);
      await register('fourth');
      await scene.ask(undefined, 'GET', await linkOf('fourth'));
    },
  },
  {
    name: 'registration by mail, login and logout',
    play: async (scene) => {
      const [[, a]] = await scene.online('Ada');
      const person = { email: ' New@Example.com ', password: PASSWORD, first_name: 'New', last_name: '' };
      const at = '/http/register';
      await scene.ask(undefined, 'POST', at, person);
      const [link] = await scene.wire.until(async () => {
        const links = await scene.wire.links('new@example.com');
        return links.length > 0 ? links : undefined;
      }, 'the mail');
      await scene.ask(undefined, 'POST', '/http/login', { email: 'new@example.com', password: PASSWORD });
      await scene.ask(undefined, 'GET', link);
      await a.hears('user_update', { first_name: 'New' });
      await scene.ask(undefined, 'GET', `${link}.`);
      await scene.ask(undefined, 'GET', `${at}/${'x'.repeat(33)}`);
      await scene.ask(undefined, 'POST', at, person);
      for (const wrong of [
        {},
        { ...person, email: 'nobody' },
        { ...person, password: 'short' },
        { ...person, password: 'password1' },
        { ...person, password: 'newnewnew1' },
        { ...person, email: 'x@example.com', first_name: 'Deleted', last_name: 'User' },
        { ...person, more: 1 },
      ])
        await scene.ask(undefined, 'POST', at, wrong);
      for (const password of ['wrong', 7, undefined])
        await scene.ask(undefined, 'POST', '/http/login', { email: 'new@example.com', password });
      await scene.ask(undefined, 'POST', '/http/login', { email: 'nobody@example.com', password: PASSWORD });
      const { body } = await scene.ask(undefined, 'POST', '/http/login', {
        email: 'NEW@example.com',
        password: PASSWORD,
      });
      const { body: profile } = await scene.ask(undefined, 'GET', '/http/users/profile', undefined, {
        authentication: body.token,
      });
      const me = { id: profile.id, email: profile.email, name: 'New', token: body.token };
      const socket = await scene.connect(me);
      await scene.send(socket, { token: body.token });
      await scene.get(me, '/http/notifications');
      await scene.ask(me, 'POST', '/http/logout');
      await socket.hears('exception', { code: 'session_revoked' });
      await scene.wire.until(() => socket.told.some(({ name }) => name === 'closed') || undefined, 'the end');
      await scene.get(me, '/http/users/profile');
      await scene.refused(me.token);
      for (const wrong of [
        { email: 'new@example.com' },
        { token: 'x'.repeat(33) },
        {},
        { email: 'x@example.com', token: 'x' },
      ])
        await scene.ask(undefined, 'POST', '/http/register/resend', wrong);
    },
  },
  {
    name: 'tokens on sockets',
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      await scene.refused('no token');
      await scene.send(a, { token: `Bearer ${ada.token}` });
      await scene.send(a, { token: alan.token });
      await scene.send(a, {
        chat_type: 'room',
        other_user_id: alan.id,
        message: 'x',
        token: alan.token,
        client_id: 'x1',
      });
      await scene.toRoom(a, alan, 'Still here', { token: null });
      await scene.send(b, { token: 'no token' });
      await scene.wire.until(() => b.told.some(({ name }) => name === 'closed') || undefined, 'the end');
    },
  },
  {
    name: 'sessions: listed, and ended one by one or together',
    play: async (scene) => {
      const [[ada, a]] = await scene.online('Ada');
      const login = async (device: string): Promise<string> =>
        (
          await scene.ask(
            undefined,
            'POST',
            '/http/login',
            { email: ada.email, password: 'nobody knows' },
            { 'user-agent': device },
          )
        ).body.token;
      const phone = { ...ada, name: 'Phone', token: await login('a phone') };
      const tablet = { ...ada, name: 'Tablet', token: await login('a tablet') };
      const socket = await scene.connect(phone);
      const { body } = await scene.get(ada, '/http/sessions');
      await scene.ask(ada, 'DELETE', `/http/sessions/${body[1].id}`);
      await socket.hears('exception', { code: 'session_revoked' });
      await scene.ask(ada, 'DELETE', `/http/sessions/${body[1].id}`);
      for (const id of [99, 'x']) await scene.ask(ada, 'DELETE', `/http/sessions/${id}`);
      await scene.ask(tablet, 'DELETE', '/http/sessions');
      await a.hears('exception', { code: 'session_revoked' });
      await scene.get(tablet, '/http/sessions');
      await scene.get(ada, '/http/sessions');
    },
  },
  {
    name: 'a new password, and one that was forgotten',
    play: async (scene) => {
      const [[ada, a]] = await scene.online('Ada');
      const other = { ...ada, name: 'Other', token: '' };
      const login = async (password: string): Promise<void> => {
        const { body } = await scene.ask(undefined, 'POST', '/http/login', { email: ada.email, password });
        if (body.token) other.token = body.token;
      };
      const newest = (count: number): Promise<string> =>
        scene.wire.until(async () => {
          const links = await scene.wire.links(ada.email);
          return links.length >= count ? links[0] : undefined;
        }, 'a mail');
      await login('nobody knows');
      await scene.ask(ada, 'PUT', '/http/users/profile', { password: PASSWORD, current_password: 'wrong' });
      await scene.ask(ada, 'PUT', '/http/users/profile', {
        password: 'ada@example.com',
        current_password: 'nobody knows',
      });
      await scene.ask(ada, 'PUT', '/http/users/profile', { password: PASSWORD });
      await scene.get(other, '/http/users/profile');
      await scene.ask(ada, 'DELETE', '/http/users/profile', { password: PASSWORD });
      const restore = await newest(1);
      await scene.ask(undefined, 'GET', restore);
      await scene.ask(undefined, 'POST', '/http/password/restore', { token: restore.split('/').at(-1) });
      await a.hears('exception', { code: 'session_revoked' });
      await scene.ask(undefined, 'GET', restore);
      await login('nobody knows');
      for (const email of [ada.email, 'nobody@example.com', 'x'])
        await scene.ask(undefined, 'POST', '/http/password/forgot', { email });
      const reset = await newest(3);
      await scene.ask(undefined, 'GET', reset);
      const token = reset.split('/').at(-1);
      await scene.ask(undefined, 'POST', '/http/password/reset', { token, password: 'short' });
      await scene.ask(undefined, 'POST', '/http/password/reset', { token, password: PASSWORD });
      await scene.ask(undefined, 'POST', '/http/password/reset', { token, password: PASSWORD });
      await scene.get(other, '/http/users/profile');
      await login(PASSWORD);
    },
  },
  {
    name: 'an account is erased: what was written to others stays',
    play: async (scene) => {
      const [[ada, a], [alan, b]] = await scene.online('Ada', 'Alan');
      await scene.toRoom(b, ada, 'Hello');
      await a.hears('presence', { user_id: alan.id, is_online: true });
      const group = await scene.group(alan, 'Engines');
      await scene.enter(b, group);
      await scene.enter(a, group);
      await scene.toGroup(b, group, 'Hello all');
      for (const body of [{ password: 'wrong' }, {}]) await scene.ask(alan, 'DELETE', '/http/users/profile', body);
      await scene.ask(alan, 'DELETE', '/http/users/profile', { password: 'nobody knows' });
      await b.hears('exception', { code: 'session_revoked' });
      await a.hears('user_update', { id: alan.id, deleted: true });
      await a.hears('group_update', { owner_id: ada.id, is_in: true });
      await a.hears('presence', { user_id: alan.id, is_online: false });
      for (const path of [
        'users',
        `users?ids=${alan.id}`,
        'chat_rooms',
        'chat_rooms/1',
        'chat_groups',
        `users/group/${group}`,
        'notifications',
      ])
        await scene.get(ada, `/http/${path}`);
      await scene.toRoom(a, alan, 'Are you there?');
      await scene.ask(ada, 'PUT', `/http/users/${alan.id}/block`);
      await scene.ask(undefined, 'POST', '/http/login', { email: alan.email, password: 'nobody knows' });
      await scene.get(alan, '/http/users/profile');
    },
  },
  {
    name: 'ten wrong passwords in a quarter of an hour, and logins in a minute',
    rates: true,
    play: async (scene) => {
      const ada = await scene.person('Ada');
      const login = (password: string) => ({ email: ada.email, password });
      for (let i = 0; i < 9; i++) await scene.wire.fetch('POST', '/http/login', { body: login('wrong') });
      await scene.ask(undefined, 'POST', '/http/login', login('nobody knows'));
      for (let i = 0; i < 10; i++) await scene.wire.fetch('POST', '/http/login', { body: login('wrong') });
      await scene.ask(undefined, 'POST', '/http/login', login('nobody knows'));
    },
  },
  {
    name: 'a session has twenty sockets, and no more',
    play: async (scene) => {
      const ada = await scene.person('Ada');
      const devices = [];
      for (let i = 0; i < 20; i++) devices.push(await scene.connect(ada));
      await scene.refused(ada.token);
      await scene.refused(ada.token);
      devices[0].close();
      const last = await scene.connect(ada);
      await scene.send(last, {});
    },
  },
];
