import { ACCOUNT_ROUTES } from './account-routes.js';
import { changeSettings } from './chat-settings.js';
import { REQUESTS } from './fields.js';
import { LIST_COST } from './logins.js';
import { listMentions } from './mentions.js';
import { report } from './reports.js';
import { list, open, type Route, route } from './route.js';
import { serverInfo } from './server-info.js';

const { nothing } = REQUESTS;

/** Every route that answers programs, and what it does. Those of the server's own pages are not here. */
export const ROUTES: readonly Route[] = [
  route('GET /http/server', nothing, ({ house }) => serverInfo(house), open),
  route('GET /dev/mail', nothing, ({ house }) => house.state.mails, open),

  ...ACCOUNT_ROUTES,

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

  {
    ...route('GET /http/mentions', REQUESTS.mentions, ({ house, me, given }) => listMentions(house, me, given.until)),
    cost: () => LIST_COST,
  },
  route('PUT /http/chat_settings', REQUESTS.chatSettings, ({ house, me, given }) => changeSettings(house, me, given)),
  route('POST /http/reports', REQUESTS.report, ({ house, me, given }) => report(house, me, given), { status: 201 }),

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
  route('DELETE /http/chat_groups/:id', nothing, ({ house, me, id }) => house.groups.delete(me, id()), { status: 204 }),
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
      ({ house, me, id, given }) => house.messages.edit(me, kind, id(), id('seq'), given.message, given.mentions),
      { refusable: 'edit' },
    ),
    route(
      `DELETE /http/chat_${kind}s/:id/messages/:seq`,
      nothing,
      ({ house, me, id }) => house.messages.remove(me, kind, id(), id('seq')),
      { refusable: 'edit' },
    ),
    route(
      `PUT /http/chat_${kind}s/:id/messages/:seq/reactions`,
      REQUESTS.reaction,
      ({ house, me, id, given }) => house.reactions.set(me, kind, id(), id('seq'), given.emoji, given.is_on),
      { refusable: 'react' },
    ),
    route(`GET /http/chat_${kind}s/:id/messages/:seq/reactions`, REQUESTS.reactionPeople, ({ house, me, id, given }) =>
      house.reactions.people(me, kind, id(), id('seq'), given.emoji, given.after),
    ),
  ]),
];
