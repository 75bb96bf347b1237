import { REQUESTS } from './fields.js';
import type { House, Identity } from './house.js';
import { list, open, type Route, route } from './route.js';

const { nothing } = REQUESTS;

/** The routes about one's own account: how it is made, its password, its address, its logins, its end. */
export const ACCOUNT_ROUTES: readonly Route[] = [
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

  ...(['confirm', 'return'] as const).flatMap((way) => [
    route(
      `GET /http/email/${way}/:word`,
      nothing,
      ({ house, word }) => {
        house.emails.assertUsable(way === 'confirm' ? 'email' : 'return', word);
        return { ok: true };
      },
      open,
    ),
    route(
      `POST /http/email/${way}`,
      REQUESTS.link,
      ({ house, given }) => {
        if (way === 'confirm') house.emails.confirm(given.token);
        else house.emails.takeBack(given.token);
        return { ok: true };
      },
      open,
    ),
  ]),

  list('GET /http/sessions', REQUESTS.list, ({ house, me }) => house.logins.list(me)),
  route('DELETE /http/sessions', nothing, ({ house, me }) => house.logins.endOthers(me), { status: 204 }),
  route('DELETE /http/sessions/:id', nothing, ({ house, me, id }) => house.logins.endOne(me, id()), { status: 204 }),
  route('GET /http/users/profile', nothing, ({ house, me }) => house.accounts.profile(me)),
  route('PUT /http/users/profile', REQUESTS.profile, ({ house, me, given }) => house.passwords.update(me, given)),
  route(
    'POST /http/users/profile/email',
    REQUESTS.changeEmail,
    ({ house, me, given }) => {
      house.emails.ask(me, given.email, given.password);
      return { message: 'If the address is free, a mail with a link is on its way to it.' };
    },
    { status: 202 },
  ),
  route(
    'POST /http/users/profile/export',
    REQUESTS.proof,
    ({ house, me, given }) => {
      house.exports.ask(me, given.password);
      return { message: 'Once the export is ready, a mail with a link to it is on its way to your address.' };
    },
    { status: 202 },
  ),
  route('GET /http/export/:word', nothing, ({ house, word }) => house.exports.download(word), {
    ...open,
    headers: { 'content-type': 'application/zip', 'content-disposition': 'attachment; filename="parley-export.zip"' },
  }),
  route(
    'DELETE /http/users/profile',
    REQUESTS.proof,
    ({ house, me, given }) => house.erasure.erase(me, given.password),
    { status: 204 },
  ),
];

function logout(house: House, me: Identity): object {
  house.logins.logout(me);
  return { ok: true };
}
