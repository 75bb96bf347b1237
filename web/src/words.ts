import type { ParleyError } from 'parley-client';
import { plural } from './format.js';

/*
 * What the app says of errors: its own words by code. The server's words are shown only beside an input (`fields`).
 */

export const SUSPENDED = 'This account is suspended. Ask those who run this server.';

const BY_CODE: Readonly<Record<string, string>> = {
  login_failed: 'Wrong e-mail address or password.',
  wrong_password: 'This is not your password.',
  suspended: SUSPENDED,
  group_frozen: 'This group is frozen: it can only be read.',
  registration_closed: 'This server takes no new accounts. Ask those who run it for an invitation.',
  invite_required: 'This server takes only those who are invited. Ask those who run it for an invitation.',
  invite_invalid: 'This invitation is not valid, or not any more. Ask for another one.',
  domain_not_allowed: 'Addresses of this domain cannot register here. Use another one, or ask for an invitation.',
  last_admin: 'The server would be left without an admin.',
  blocked: 'One of you has blocked the other.',
  forbidden: 'You may not do this.',
  not_found: 'There is nothing here.',
  already_member: 'They are a member already.',
  has_left: 'They have left.',
  already_registered: 'There is an account with this address already.',
  expired: 'This link has expired.',
  message_deleted: 'The message has been deleted.',
  too_large: 'This is too long.',
  busy: 'The server is busy. Try again.',
  unavailable: 'The server cannot do this right now. Try again.',
  bot_unavailable: 'The helper does not answer right now.',
  offline: 'You are offline.',
  timeout: 'The server does not answer.',
  outbox_full: 'Too many messages wait in this conversation.',
  storage_full: 'This device has no space left.',
  storage_failed: 'This device keeps nothing: what waits is lost with this page.',
  quota_exceeded: 'You have reached a limit of this server. Try again later.',
  password_too_new: 'Your password was changed not long ago. Use the link in the mail, or wait.',
  reauthentication_required: 'Enter your current password.',
  signed_out: 'You are logged out.',
};

/** @returns a sentence */
export function wordsFor(error: ParleyError): string {
  if (error.code === 'rate_limited') return `Not so fast: try again in ${duration(error.retry_after_ms ?? 1000)}.`;
  return BY_CODE[error.code] ?? `Something went wrong (${error.code}).`;
}

/** The same behind a colon. What is wrong with a text itself, the server and the client say better than a code does. */
export function whyNot(error: ParleyError): string {
  const why = error.fields?.['message']?.[0] ?? error.fields?.['mentions']?.[0] ?? wordsFor(error);
  return why.charAt(0).toLowerCase() + why.slice(1);
}

const WHILE_WAITING: Readonly<Record<string, string>> = {
  rate_limited: 'Not so fast',
  busy: 'The server is busy',
  unavailable: 'The server takes nothing right now',
  timeout: 'The server does not answer',
};

/** Why a message waits that goes out again by itself: before a colon. */
export const whyWaiting = ({ code }: ParleyError): string => WHILE_WAITING[code] ?? `Something went wrong (${code})`;

/** `4 s`, `12 minutes`, `2 hours`; rounded up. */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? plural(minutes, 'minute') : plural(Math.ceil(minutes / 60), 'hour');
}
