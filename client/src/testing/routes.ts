import { type Fields, parse, type Parsed, REQUESTS } from './fields.js';
import type { House, Identity, Refusable } from './house.js';
import { LIST_COST } from './logins.js';
import { serverInfo } from './server-info.js';

/** What a route is asked with. */
export interface Asked<F extends Fields> {
  readonly house: House;
  /** Who asks; `user_id` 0 for a route that anybody may ask. */
  readonly me: Identity;
  /** The number in a path, by its name. @throws Refusal */
  readonly id: (name?: 'id' | 'seq' | 'user_id') => number;
  /** The text in a path. */
  readonly word: string;
  readonly given: Parsed<F>;
  readonly device: string;
}

export interface Route {
  readonly method: string;
  readonly path: readonly string[];
  readonly status: number;
  /** Anybody may ask. */
  readonly isPublic: boolean;
  /** Rows, of which an answer has at most a thousand. */
  readonly isList: boolean;
  /** How much it counts among the reads, by its query. */
  readonly cost: (query: URLSearchParams) => number;
  readonly refusable: Refusable | undefined;
  readonly run: (asked: Omit<Asked<Fields>, 'given'> & { readonly given: unknown }) => unknown;
}

interface More {
  status?: number;
  isPublic?: boolean;
  isList?: boolean;
  refusable?: Refusable;
}

function route<F extends Fields>(line: string, fields: F, run: (asked: Asked<F>) => unknown, more: More = {}): Route {
  const [method = '', path = ''] = line.split(' ');
  const { status = 200, isPublic = false, isList = false, refusable } = more;
  return {
    method,
    path: path.split('/').slice(1),
    status,
    isPublic,
    isList,
    // A hundred people by their keys are no more than a page of messages.
    cost: (query) => (isList && !query.has('ids') ? LIST_COST : 1),
    refusable,
    // What stands in the path is looked at before what was sent along.
    run: (asked) => {
      for (const name of path.match(/(?<=:)(id|seq|user_id)\b/g) ?? []) asked.id(name as 'id');
      return run({ ...asked, given: parse(fields, asked.given, 'http') });
    },
  };
}

const list = <F extends Fields>(line: string, fields: F, run: (asked: Asked<F>) => unknown): Route =>
  route(line, fields, run, { isList: true, refusable: 'lists' });

const open: More = { isPublic: true };
const { nothing } = REQUESTS;

/** Every route that answers programs, and what it does. Those of the server's own pages are not here. */
export const ROUTES: readonly Route[] = [
  route('GET /http/server', nothing, ({ house }) => serverInfo(house), open),
  route('GET /dev/mail', nothing, ({ house }) => house.state.mails, open),

  route(
    'POST /http/register',
    REQUESTS.register,
    ({ house, given }) => {
      house.accounts.register(given);
      return { message: 'If the address is free, a mail with a link is on its way to it.' };
    },
    { ...open, status: 202 },
  ),
  route(
    'POST /http/register/resend',
    REQUESTS.resend,
    ({ house, given }) => {
      house.accounts.resend(given);
      return { message: 'If such a registration waits, a mail with a new link is on its way to its address.' };
    },
    { ...open, status: 202 },
  ),
  route(
    'GET /http/register/:word',
    nothing,
    ({ house, word }) => ({ ok: true, email: house.accounts.confirm(word) }),
    open,
  ),
  route(
    'POST /http/login',
    REQUESTS.login,
    ({ house, given, device }) => ({ token: house.accounts.login(given.email, given.password, device) }),
    { ...open, refusable: 'login' },
  ),
  route('GET /http/logout', nothing, ({ house, me }) => logout(house, me)),
  route('POST /http/logout', nothing, ({ house, me }) => logout(house, me)),
  route(
    'POST /http/password/forgot',
    REQUESTS.email,
    ({ house, given }) => {
      house.passwords.forgot(given.email);
      return { message: 'If the address has an account, a mail with a link is on its way to it.' };
    },
    { ...open, status: 202 },
  ),
  ...(['reset', 'restore'] as const).map((kind) =>
    route(
      `GET /http/password/${kind}/:word`,
      nothing,
      ({ house, word }) => {
        house.passwords.assertUsable(kind, word);
        return { ok: true };
      },
      open,
    ),
  ),
  route(
    'POST /http/password/reset',
    REQUESTS.reset,
    ({ house, given }) => {
      house.passwords.reset(given.token, given.password);
      return { ok: true };
    },
    open,
  ),
  route(
    'POST /http/password/restore',
    REQUESTS.link,
    ({ house, given }) => {
      house.passwords.restore(given.token);
      return { ok: true };
    },
    open,
  ),

  list('GET /http/sessions', REQUESTS.list, ({ house, me }) => house.logins.list(me)),
  route('DELETE /http/sessions', nothing, ({ house, me }) => house.logins.endOthers(me), { status: 204 }),
  route('DELETE /http/sessions/:id', nothing, ({ house, me, id }) => house.logins.endOne(me, id()), { status: 204 }),
  route('GET /http/users/profile', nothing, ({ house, me }) => house.accounts.profile(me)),
  route('PUT /http/users/profile', REQUESTS.profile, ({ house, me, given }) => house.passwords.update(me, given)),
  route(
    'DELETE /http/users/profile',
    REQUESTS.erase,
    ({ house, me, given }) => house.erasure.erase(me, given.password),
    {
      status: 204,
    },
  ),

  list('GET /http/users', REQUESTS.users, ({ house, me, given }) => house.people.list(me, given)),
  list('GET /http/users/blocked', REQUESTS.list, ({ house, me }) => house.people.blocked(me)),
  route('PUT /http/users/:id/block', nothing, ({ house, me, id }) => house.people.block(me, id()), { status: 204 }),
  route('DELETE /http/users/:id/block', nothing, ({ house, me, id }) => house.people.unblock(me, id()), {
    status: 204,
  }),
  list('GET /http/users/group/:id', REQUESTS.list, ({ house, me, id }) => house.members.list(me, id())),

  list('GET /http/chat_rooms', REQUESTS.list, ({ house, me }) => house.notifications.rooms(me)),
  route(
    'GET /http/chat_rooms/:id',
    REQUESTS.page,
    ({ house, me, id, given }) => house.messages.pageFor(me, 'room', id(), given),
    { refusable: 'history' },
  ),
  ...['chat_bot', 'chat-bot'].map((name) =>
    route(`GET /http/${name}`, REQUESTS.page, ({ house, me, given }) => house.bot.page(me, given), {
      refusable: 'history',
    }),
  ),
  list('GET /http/notifications', REQUESTS.list, ({ house, me }) => house.notifications.list(me)),
  route('PUT /http/notifications', REQUESTS.readNotification, ({ house, me, given }) =>
    house.notifications.read(me, given),
  ),

  list('GET /http/chat_groups', REQUESTS.list, ({ house, me }) => house.groups.list(me)),
  route(
    'POST /http/chat_groups',
    REQUESTS.createGroup,
    ({ house, me, given }) =>
      house.groups.create(me, given.chat_group_name, given.is_private ?? false, given.author_id),
    { status: 201 },
  ),
  route('PUT /http/chat_groups', REQUESTS.changeNamedGroup, ({ house, me, given }) =>
    house.groups.update(me, given.chat_group_id, given),
  ),
  route('PUT /http/chat_groups/:id', REQUESTS.changeGroup, ({ house, me, id, given }) =>
    house.groups.update(me, id(), given),
  ),
  route(
    'GET /http/chat_groups/:id',
    REQUESTS.page,
    ({ house, me, id, given }) => house.messages.groupPage(me, id(), given),
    { refusable: 'history' },
  ),
  route('POST /http/chat_groups/:id', REQUESTS.attend, ({ house, me, id, given }) => {
    if (given.is_enter) house.attendance.enter(me.user_id, id());
    else house.attendance.leave(me.user_id, id());
    return { ok: true, chat_group_id: id(), is_in: given.is_enter };
  }),
  route('POST /http/chat_groups/:id/members', REQUESTS.addMember, ({ house, me, id, given }) =>
    house.members.add(me, id(), given.user_id),
  ),
  route(
    'DELETE /http/chat_groups/:id/members/:user_id',
    nothing,
    ({ house, me, id }) => house.members.end(me, id(), id('user_id')),
    { status: 204 },
  ),
  route(
    'POST /http/chat_groups/access_requests/:id',
    nothing,
    ({ house, me, id }) => house.accessRequests.ask(me, id()),
    { status: 201 },
  ),
  list('GET /http/chat_groups/access_requests/:id', REQUESTS.list, ({ house, me, id }) =>
    house.accessRequests.list(me, id()),
  ),
  route('PUT /http/chat_groups/access_requests/:id', REQUESTS.answerAccess, ({ house, me, id, given }) =>
    house.accessRequests.answer(me, id(), given.requester_id, given.access),
  ),
  ...(['room', 'group'] as const).flatMap((kind) => [
    route(
      `PUT /http/chat_${kind}s/:id/messages/:seq`,
      REQUESTS.edit,
      ({ house, me, id, given }) => house.messages.edit(me, kind, id(), id('seq'), given.message),
      { refusable: 'edit' },
    ),
    route(
      `DELETE /http/chat_${kind}s/:id/messages/:seq`,
      nothing,
      ({ house, me, id }) => house.messages.remove(me, kind, id(), id('seq')),
      { refusable: 'edit' },
    ),
  ]),
];

function logout(house: House, me: Identity): object {
  house.logins.logout(me);
  return { ok: true };
}
