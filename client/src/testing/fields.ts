import type { AskedMentions } from './extras.js';
import { canonicalEmoji } from './reactions.js';
import { invalid } from './refusal.js';
import {
  isMailbox,
  isPlainName,
  isVisible,
  isWellFormed,
  normalEmail,
  PASSWORD,
  readMoment,
  textLength,
} from './texts.js';

/*
 * What a request may say, field by field, with the server's own words for what is wrong. The order of the fields is that in which the
 * server looks at them.
 */

export interface Field<T> {
  /** Null is as good as left out. */
  readonly isOptional?: boolean;
  /** What is wrong with it, if anything is. */
  readonly problem: (value: unknown) => string | undefined;
  /** HTTP alone, where a number may be text and blanks are trimmed: what is meant by what was sent. */
  readonly meant?: (value: unknown) => unknown;
  /** For the compiler alone. */
  readonly type?: T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
type TypeOf<F> = F extends Field<infer T> ? T : never;
type OptionalKey<F extends Fields> = { [K in keyof F]: undefined extends TypeOf<F[K]> ? K : never }[keyof F];
/** What was left out is not there. */
export type Parsed<F extends Fields> = { [K in Exclude<keyof F, OptionalKey<F>>]: TypeOf<F[K]> } & {
  [K in OptionalKey<F>]?: Exclude<TypeOf<F[K]>, undefined>;
};

const UNKNOWN = 'is not a field of this request';
const MOST_FIELDS = 32;
const MAX_ID = 2 ** 31 - 1;
const MAX_MESSAGE = 4_000;
const MAX_NOTE = 1_000;
const MOST_IDS = 100;
const MOST_MENTIONS = 20;

const optional = <T>(field: Field<T>): Field<T | undefined> => ({ ...field, isOptional: true });

const integer = (min = 1, max = MAX_ID): Field<number> => ({
  problem: (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `must be a whole number from ${min} to ${max}`,
  meant: (value) =>
    typeof value === 'string' && /^-?\d{1,30}$/.test(value) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : value,
});

const text = (min: number, max: number, isSeen = false): Field<string> => ({
  problem: (value) => {
    if (typeof value !== 'string') return 'must be a text';
    if (!isWellFormed(value)) return 'must not hold half of a character (a lone surrogate)';
    const length = textLength(value);
    if (length < min || length > max)
      return `must be a text of ${min} to ${max} characters, not counting white space at its ends`;
    return isSeen && !isVisible(value) ? 'must hold something that can be seen' : undefined;
  },
});

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value);

const name = (max: number, isEmpty = false): Field<string> => ({
  problem: (value) => (typeof value === 'string' ? optionalName(max, isEmpty).problem(value) : 'must be a text'),
  meant: trimmed,
});

/** It says the same of what is no text. */
const optionalName = (max: number, isEmpty = false): Field<string | undefined> => ({
  isOptional: true,
  problem: (value) => {
    if (typeof value === 'string' && ((isEmpty && value === '') || (isPlainName(value) && textLength(value) <= max)))
      return undefined;
    return `must be a name of ${isEmpty ? 0 : 1} to ${max} characters in one line, with something to see and without control characters`;
  },
  meant: trimmed,
});

const email: Field<string> = {
  problem: (value) =>
    typeof value === 'string' && isMailbox(value)
      ? undefined
      : 'must be an e-mail address like ada@example.com, of at most 254 characters',
  meant: (value) => (typeof value === 'string' ? normalEmail(value) : value),
};

const yesOrNo: Field<boolean> = {
  problem: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
};

const clientId = optional<string>({
  problem: (value) => {
    if (typeof value !== 'string') return 'must be a text';
    return /^[A-Za-z0-9._:-]{1,64}$/.test(value) ? undefined : 'must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -';
  },
});

const moment: Field<string> = {
  problem: (value) => {
    if (typeof value !== 'string') return 'must be a text';
    return readMoment(value) === undefined
      ? 'must be a date with a time and a zone, like 2026-11-22T06:46:35.437Z'
      : undefined;
  },
};

const matching = (pattern: RegExp, problem: string): Field<string> => ({
  problem: (value) => (typeof value === 'string' && pattern.test(value) ? undefined : problem),
});

/** Named at once, with commas between: a text. */
const ids: Field<string> = {
  problem: (value) => {
    const named =
      typeof value === 'string' && /^[1-9]\d*(,[1-9]\d*)*$/.test(value) ? new Set(value.split(',')) : undefined;
    return named && named.size <= MOST_IDS && [...named].every((id) => Number(id) <= MAX_ID)
      ? undefined
      : `must be 1 to ${MOST_IDS} whole numbers from 1 to ${MAX_ID}, with commas between`;
  },
};

/** Whatever was found out about it before. */
const anything: Field<unknown> = { problem: () => undefined, isOptional: true };

const replyTo = optional(integer());
const isSilent = optional(yesOrNo);

const mentions = optional<AskedMentions>({
  problem: (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
    if (Object.keys(value).some((key) => key !== 'user_ids' && key !== 'everyone'))
      return 'may hold user_ids and everyone, and nothing else';
    const { user_ids = null, everyone = null } = value as { user_ids?: unknown; everyone?: unknown };
    if (everyone !== null && typeof everyone !== 'boolean') return 'must hold true or false as everyone';
    const isId = (id: unknown): boolean => integer().problem(id) === undefined;
    if (user_ids === null || (Array.isArray(user_ids) && user_ids.length <= MOST_MENTIONS && user_ids.every(isId)))
      return undefined;
    return `must hold at most ${MOST_MENTIONS} whole numbers from 1 to ${MAX_ID} as user_ids`;
  },
});

/** The last moment that a database holds. */
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Null says something: not muted. */
const mutedUntil: Field<string | null | undefined> = {
  problem: (value) => {
    if (value === undefined || value === null) return undefined;
    const isMoment = typeof value === 'string' && value.length <= 64 && (readMoment(value) ?? Infinity) <= LAST_MOMENT;
    return isMoment ? undefined : 'must be null, or a date with a time and a zone, like 2026-11-22T06:46:35.437Z';
  },
};

const oneOf = <T extends string>(...words: T[]): Field<T> => ({
  problem: (value) => (words.includes(value as T) ? undefined : `must be one of ${words.join(', ')}`),
});

const emoji: Field<string> = {
  problem: (value) =>
    typeof value === 'string' && canonicalEmoji(value) !== undefined ? undefined : 'must be exactly one emoji',
};

const token = { token: optional(text(0, Infinity)) };
const groupPlace = { chat_type: anything, chat_group_id: integer(), ...token };
const roomPlace = { chat_type: anything, other_user_id: integer(), ...token };
const message = text(1, MAX_MESSAGE, true);
const page = {
  until: optional(moment),
  before: optional(integer()),
  after: optional(integer(0)),
  changes_after: optional(integer(0)),
  limit: optional(integer(1, Number.MAX_SAFE_INTEGER)),
};
const cursor = { cursor: optional(matching(/^[\w-]{1,400}$/, 'must be taken from a Link header')) };
const anyPassword = text(0, PASSWORD.max);
const newPassword = text(PASSWORD.min, PASSWORD.max);
const read = { chat_room_id: optional(integer()), chat_group_id: optional(integer()), seq: optional(integer()) };
const groupChange = { chat_group_name: optionalName(100), owner_id: optional(integer()) };

/** By what is asked for. */
export const REQUESTS = {
  nothing: {},
  token,
  sendRoom: { message, client_id: clientId, reply_to: replyTo, is_silent: isSilent, mentions, ...roomPlace },
  sendGroup: { message, client_id: clientId, reply_to: replyTo, is_silent: isSilent, mentions, ...groupPlace },
  enterGroup: { is_enter: yesOrNo, ...groupPlace },
  askBot: { chat_type: anything, message, client_id: clientId, reply_to: replyTo, ...token },
  stopBot: { question_seq: integer(), ...token },
  readChat: { ...token, ...read },
  react: {
    ...token,
    chat_room_id: optional(integer()),
    chat_group_id: optional(integer()),
    seq: integer(),
    emoji,
    is_on: yesOrNo,
  },
  reaction: { emoji, is_on: yesOrNo },
  reactionPeople: { emoji, after: optional(integer(0)) },
  chatSettings: {
    chat_room_id: optional(integer()),
    chat_group_id: optional(integer()),
    notify: optional(oneOf('all', 'mentions', 'none')),
    muted_until: mutedUntil,
    is_favourite: optional(yesOrNo),
    is_archived: optional(yesOrNo),
  },
  report: {
    chat_room_id: optional(integer()),
    chat_group_id: optional(integer()),
    seq: integer(),
    reason: oneOf('spam', 'abuse', 'illegal', 'other'),
    note: optional(text(1, MAX_NOTE)),
  },
  mentions: { until: optional(moment) },
  typingRoom: roomPlace,
  typingGroup: groupPlace,
  register: {
    email,
    password: newPassword,
    first_name: name(80),
    last_name: name(80, true),
    invite: optional(text(1, 128)),
  },
  resend: { email: optional(email), password: optional(anyPassword), token: optional(text(1, 128)) },
  login: { email, password: anyPassword },
  email: { email },
  link: { token: text(1, 128) },
  reset: { token: text(1, 128), password: newPassword },
  profile: {
    first_name: optionalName(80),
    last_name: optionalName(80, true),
    password: optional(newPassword),
    current_password: optional(anyPassword),
  },
  proof: { password: anyPassword },
  changeEmail: { email, password: anyPassword },
  users: {
    query: optional(text(0, 161)),
    ids: optional(ids),
    ...cursor,
  },
  list: cursor,
  page,
  edit: { message, mentions },
  readNotification: read,
  createGroup: { chat_group_name: name(100), author_id: optional(integer()), is_private: optional(yesOrNo) },
  changeGroup: groupChange,
  changeNamedGroup: { chat_group_id: integer(), ...groupChange },
  attend: { is_enter: yesOrNo },
  addMember: { user_id: integer() },
  answerAccess: { requester_id: integer(), access: yesOrNo },
} satisfies Record<string, Fields>;

/** @throws Refusal where it is no request at all */
function assertPlain(given: unknown): asserts given is Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid('Send one JSON object.');
  if (Object.keys(given).length > MOST_FIELDS) throw invalid(`Send at most ${MOST_FIELDS} fields.`);
}

/** What a request says. @throws Refusal naming each offending field */
export function parse<F extends Fields>(fields: F, given: unknown, by: 'http' | 'socket'): Parsed<F> {
  assertPlain(given);
  const wrong: [string, string][] = [];
  const parsed: Record<string, unknown> = {};
  for (const key of Object.keys(given)) if (!Object.hasOwn(fields, key)) wrong.push([shown(key), UNKNOWN]);
  for (const [key, { isOptional = false, problem, meant }] of Object.entries(fields)) {
    const sent = Object.hasOwn(given, key) ? given[key] : undefined;
    if (isOptional && (sent === undefined || sent === null)) continue;
    const value = by === 'http' && meant ? meant(sent) : sent;
    const found = problem(value);
    if (found === undefined) parsed[key] = value;
    else wrong.push([key, found]);
  }
  // In the order in which they were sent.
  const inOrder = Object.keys(given).filter((key) => key in parsed);
  if (wrong.length === 0) return Object.fromEntries(inOrder.map((key) => [key, parsed[key]])) as Parsed<F>;
  const sentence = wrong.map(([key, found]) => `${key} ${found}`).join('; ');
  throw invalid(`Check the request: ${sentence}.`, Object.fromEntries(wrong.map(([key, found]) => [key, [found]])));
}

const shown = (key: string): string => (key.length > 64 ? `${key.slice(0, 64)}…` : key);
