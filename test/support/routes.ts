export interface Route {
  route: string;
  /** Anybody may call it; everything else needs a token. */
  isPublic?: boolean;
  /** Where it is not 200. */
  answers?: number;
  /** Its path or body names something of others: a stranger gets a 404, the same as for what does not exist. */
  of?: 'room' | 'group' | 'session';
  /** Where strangers are meant to call it all the same. */
  isForStrangers?: boolean;
  /** The role that it takes; everybody else gets `forbidden`. */
  needs?: 'moderator' | 'admin';
  /** What that role gets, once the session is elevated, where it is not 200. */
  served?: number;
  /** The session need not be elevated for it. */
  isUnelevated?: boolean;
  path?: (id: number) => string;
  body?: (id: number) => object;
}

/** No row of any table has it. */
export const NO_ID = 1_999_999_999;

/** A route below /http/admin, about something that is not there. */
const admin = (
  method: string,
  path: string,
  needs: 'moderator' | 'admin',
  more: Pick<Route, 'served' | 'isUnelevated' | 'body'> = {},
): Route => ({
  route: `${method} /http/admin/${path}`,
  path: () => `/http/admin/${path.replace(':id', String(NO_ID))}`,
  answers: 403,
  needs,
  ...(path.includes(':id') && { served: 404 }),
  ...more,
});

/** Every HTTP route. One that is missing here fails `security.test.ts`, and one whose role is wrong `roles.test.ts`. */
export const ROUTES: Route[] = [
  { route: 'GET /', isPublic: true },
  { route: 'GET /health/live', isPublic: true },
  { route: 'GET /health/ready', isPublic: true },
  { route: 'GET /dev/mail', isPublic: true },
  { route: 'GET /http/server', isPublic: true },
  { route: 'POST /http/register', isPublic: true },
  { route: 'GET /http/register/:token', isPublic: true },
  { route: 'POST /http/register/resend', isPublic: true },
  { route: 'GET /http/password/forgot', isPublic: true },
  { route: 'POST /http/password/forgot', isPublic: true },
  { route: 'GET /http/password/reset/:token', isPublic: true },
  { route: 'POST /http/password/reset', isPublic: true },
  { route: 'GET /http/password/restore/:token', isPublic: true },
  { route: 'POST /http/password/restore', isPublic: true },
  { route: 'GET /http/email/confirm/:token', isPublic: true },
  { route: 'POST /http/email/confirm', isPublic: true },
  { route: 'GET /http/email/return/:token', isPublic: true },
  { route: 'POST /http/email/return', isPublic: true },
  { route: 'GET /http/export/:token', isPublic: true },
  { route: 'POST /http/login', isPublic: true },
  { route: 'GET /http/logout' },
  { route: 'POST /http/logout' },
  { route: 'GET /http/sessions' },
  { route: 'DELETE /http/sessions', answers: 204 },
  { route: 'DELETE /http/sessions/:id', of: 'session', path: (session) => `/http/sessions/${session}` },
  { route: 'GET /http/users' },
  { route: 'GET /http/users/profile' },
  { route: 'PUT /http/users/profile', body: () => ({ first_name: 'Mallory' }) },
  {
    route: 'POST /http/users/profile/email',
    body: () => ({ email: 'mallory@example.com', password: 'a guess' }),
    answers: 403,
  },
  { route: 'POST /http/users/profile/export', body: () => ({ password: 'a guess' }), answers: 403 },
  { route: 'DELETE /http/users/profile', body: () => ({ password: 'a guess' }), answers: 403 },
  { route: 'GET /http/users/blocked' },
  { route: 'PUT /http/users/:id/block', path: () => '/http/users/1/block', answers: 204 },
  { route: 'DELETE /http/users/:id/block', path: () => '/http/users/1/block', answers: 204 },
  { route: 'GET /http/chat_rooms' },
  { route: 'GET /http/chat_rooms/:id', of: 'room', path: (room) => `/http/chat_rooms/${room}` },
  {
    route: 'PUT /http/chat_rooms/:id/messages/:seq',
    of: 'room',
    path: (room) => `/http/chat_rooms/${room}/messages/1`,
    body: () => ({ message: 'x' }),
  },
  {
    route: 'DELETE /http/chat_rooms/:id/messages/:seq',
    of: 'room',
    path: (room) => `/http/chat_rooms/${room}/messages/1`,
  },
  { route: 'GET /http/chat_bot' },
  { route: 'GET /http/chat-bot' },
  { route: 'GET /http/chat_groups' },
  { route: 'POST /http/chat_groups', body: () => ({ chat_group_name: 'Mallory' }), answers: 201 },
  { route: 'PUT /http/chat_groups', of: 'group', body: (group) => ({ chat_group_id: group, chat_group_name: 'x' }) },
  {
    route: 'PUT /http/chat_groups/:id',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}`,
    body: () => ({ chat_group_name: 'x' }),
  },
  { route: 'DELETE /http/chat_groups/:id', of: 'group', path: (group) => `/http/chat_groups/${group}` },
  { route: 'GET /http/chat_groups/:id', of: 'group', path: (group) => `/http/chat_groups/${group}` },
  {
    route: 'POST /http/chat_groups/:id',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}`,
    body: () => ({ is_enter: true }),
  },
  {
    route: 'PUT /http/chat_groups/:id/messages/:seq',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}/messages/1`,
    body: () => ({ message: 'x' }),
  },
  {
    route: 'DELETE /http/chat_groups/:id/messages/:seq',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}/messages/1`,
  },
  {
    route: 'DELETE /http/chat_groups/:id/members/:user_id',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}/members/1`,
  },
  {
    route: 'POST /http/chat_groups/:id/members',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}/members`,
    body: () => ({ user_id: 1 }),
  },
  // A private group is listed by its name, so that a stranger can ask.
  {
    route: 'POST /http/chat_groups/access_requests/:id',
    of: 'group',
    isForStrangers: true,
    path: (group) => `/http/chat_groups/access_requests/${group}`,
    answers: 201,
  },
  {
    route: 'GET /http/chat_groups/access_requests/:id',
    of: 'group',
    path: (group) => `/http/chat_groups/access_requests/${group}`,
  },
  {
    route: 'PUT /http/chat_groups/access_requests/:id',
    of: 'group',
    path: (group) => `/http/chat_groups/access_requests/${group}`,
    body: () => ({ requester_id: 1, access: true }),
  },
  {
    route: 'PUT /http/chat_rooms/:id/messages/:seq/reactions',
    of: 'room',
    path: (room) => `/http/chat_rooms/${room}/messages/1/reactions`,
    body: () => ({ emoji: '👍', is_on: true }),
  },
  {
    route: 'GET /http/chat_rooms/:id/messages/:seq/reactions',
    of: 'room',
    path: (room) => `/http/chat_rooms/${room}/messages/1/reactions?emoji=%F0%9F%91%8D`,
  },
  {
    route: 'PUT /http/chat_groups/:id/messages/:seq/reactions',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}/messages/1/reactions`,
    body: () => ({ emoji: '👍', is_on: true }),
  },
  {
    route: 'GET /http/chat_groups/:id/messages/:seq/reactions',
    of: 'group',
    path: (group) => `/http/chat_groups/${group}/messages/1/reactions?emoji=%F0%9F%91%8D`,
  },
  { route: 'GET /http/users/group/:id', of: 'group', path: (group) => `/http/users/group/${group}` },
  { route: 'GET /http/notifications' },
  { route: 'PUT /http/notifications', of: 'room', body: (room) => ({ chat_room_id: room }) },
  { route: 'PUT /http/chat_settings', of: 'room', body: (room) => ({ chat_room_id: room, notify: 'none' }) },
  { route: 'GET /http/mentions' },
  { route: 'POST /http/reports', of: 'room', body: (room) => ({ chat_room_id: room, seq: 1, reason: 'spam' }) },
  admin('POST', 'elevate', 'moderator', {
    isUnelevated: true,
    body: () => ({ password: 'a guess' }),
    // The wrong password.
    served: 403,
  }),
  admin('GET', 'users', 'admin'),
  admin('GET', 'users/:id', 'admin'),
  // Before the one that suspends: `admin-texts.test.ts` asks them in this order.
  admin('POST', 'users/:id/export', 'admin'),
  admin('PATCH', 'users/:id', 'admin', { body: () => ({ is_suspended: true }) }),
  admin('DELETE', 'users/:id', 'admin'),
  admin('POST', 'users/:id/reset', 'admin'),
  admin('GET', 'users/:id/sessions', 'admin'),
  admin('DELETE', 'users/:id/sessions', 'admin'),
  admin('GET', 'groups', 'admin'),
  admin('PATCH', 'groups/:id', 'admin', { body: () => ({ is_frozen: true }) }),
  admin('DELETE', 'groups/:id', 'admin'),
  admin('GET', 'reports', 'moderator'),
  admin('GET', 'reports/:id', 'moderator'),
  admin('PATCH', 'reports/:id', 'moderator', { body: () => ({ status: 'resolved' }) }),
  admin('GET', 'invites', 'admin'),
  admin('POST', 'invites', 'admin', { served: 201 }),
  admin('DELETE', 'invites/:id', 'admin'),
  admin('GET', 'settings', 'admin'),
  admin('PUT', 'settings', 'admin'),
  admin('GET', 'stats', 'admin'),
  admin('GET', 'audit', 'admin'),
];

/** Made by the libraries that serve them: pages and files about the API, and CORS. */
export const LIBRARY_ROUTES = /^(GET \/http\/docs|OPTIONS \*|HEAD )/;

export const split = ({ route, path, body }: Route, id: number) => {
  const [method, url] = route.split(' ') as [string, string];
  return { method, url: path?.(id) ?? url, body: body?.(id) };
};
