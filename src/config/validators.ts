import { isIP } from 'node:net';
import { makeValidator } from 'envalid';
import { parseDatabaseUrl } from './database-url.js';
import { domainOf, MOST_DOMAINS } from './domain-names.js';
import { parseRedisUrl } from './redis-url.js';

/*
 * What the text of a variable may be, and what it means.
 */

/** A validator whose error never contains the input, which may be a secret. */
const validator = <T>(parse: (text: string) => T | undefined, expected: string) =>
  makeValidator<T>((text) => {
    const parsed = parse(text.trim());
    if (parsed === undefined) throw new Error(`must be ${expected}`);
    return parsed;
  });

export const oneOf = <T extends string>(...words: T[]) =>
  validator((text) => words.find((word) => word === text), `one of ${words.join(', ')}`);

export const anyText = validator((given) => given || undefined, 'a text that is not empty');

/** Characters. */
export const MAX_MOTD = 500;
export const shortText = validator(
  (given) => ([...given].length <= MAX_MOTD ? given : undefined),
  `a text of at most ${MAX_MOTD} characters`,
);

/** The units of durations, in milliseconds. */
export const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationOf = (given: string): number | undefined => {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(given) ?? [];
  return Number(count) * UNITS[unit as keyof typeof UNITS] || undefined;
};
export const duration = validator(durationOf, 'a number with a unit, like 30d, 12h or 15m');

/** Whole seconds, in milliseconds. */
export const secondsUpTo = (most: number) =>
  validator(
    (given) => (/^\ds$/.test(given) && Number.parseInt(given) <= most ? Number.parseInt(given) * UNITS.s : undefined),
    `0s to ${most}s`,
  );

export const durationOrOff = validator<number | false>(
  (given) => (given === 'off' ? false : durationOf(given)),
  'off, or a number with a unit, like 15m',
);

/**
 * An origin as a browser, or the shell of an app, sends it: of a web page, of any other scheme (`capacitor://localhost`, `file://`), or `null`.
 * Values that no browser sends, like a pattern, a path or a default port, are refused, since they would allow nothing.
 */
const isOrigin = (given: string): boolean => {
  if (given === 'null' || given === 'file://') return true;
  if (/^https?:/i.test(given))
    return URL.canParse(given) && new URL(given).origin === given && !new URL(given).hostname.includes('*');
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*,]+$/.test(given) && URL.canParse(given);
};

export const origins = validator((given) => {
  const list = given.split(',').map((one) => one.trim());
  return list.every(isOrigin) ? list : undefined;
}, 'exact origins, without a path, a pattern or a default port, separated by commas: https://example.com,http://localhost:5173,capacitor://localhost; null names pages that have none');

/** PUBLIC_URL and APP_URL: every link begins with one of them. */
export const pageUrl = validator((given) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isPlain = url && !url.search && !url.hash && !/[?#]/.test(given) && !url.username && !url.password;
  if (!isPlain || !/^https?:$/.test(url.protocol) || !url.hostname || /\/\/|[\s<>"]/.test(url.pathname))
    return undefined;
  return given.replace(/\/+$/, '');
}, 'a URL like https://chat.example.com or https://example.com/chat, without a user, a query or a fragment');

const isCidr = (given: string): boolean => {
  const [address = '', bits = '0', ...rest] = given.split('/');
  const longest = { 4: 32, 6: 128 }[isIP(address)];
  return longest !== undefined && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest;
};

export const proxies = validator<false | number | string[]>((given) => {
  if (given === 'off') return false;
  if (/^[1-9]\d?$/.test(given)) return Number(given);
  const list = given.split(',').map((one) => one.trim());
  return list.every(isCidr) ? list : undefined;
}, 'off, the number of proxies in front, or their addresses as CIDRs separated by commas');

// Fetch refuses a user and password in a URL, and a fragment is never sent. A query is allowed: some servers need one.
export const completionsUrl = validator((given) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  return isHttp && url.hostname && !url.username && !url.password && !url.hash ? given : undefined;
}, 'a URL like https://api.openai.com/v1, without a user or password');

export const headerValue = validator(
  (given) => (/^[\x21-\x7e]+$/.test(given) ? given : undefined),
  'of visible ASCII characters, without spaces',
);

// The mail library takes a query for settings, some of which turn encryption off.
export const smtpUrl = validator((given) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isSmtp = url?.protocol === 'smtp:' || url?.protocol === 'smtps:';
  return isSmtp && url.hostname && !url.search && !url.hash ? given.replace(/\/+$/, '') : undefined;
}, 'a URL like smtp://user:password@mail.example.com:587, without a query (SMTP_TLS and SMTP_CA are variables of their own)');

export const redisUrl = makeValidator((given) => parseRedisUrl(given.trim()));

export const word = validator(
  (given) => (/^[\w.-]{1,50}$/.test(given) ? given : undefined),
  'up to 50 letters, digits, dots, hyphens and underscores',
);

export const databaseUrl = makeValidator((given) => parseDatabaseUrl(given.trim()));

export const countUpTo = (most: number) =>
  validator(
    (given) => (/^[1-9]\d{0,3}$/.test(given) && Number(given) <= most ? Number(given) : undefined),
    `a number from 1 to ${most}`,
  );

export type Transport = 'websocket' | 'polling';
export const transports = validator((given) => {
  const list = given.split(',').map((one) => one.trim());
  return list.every((one): one is Transport => one === 'websocket' || one === 'polling')
    ? [...new Set(list)]
    : undefined;
}, 'websocket, polling, or both separated by a comma');

export const portNumber = validator(
  (given) => (/^\d{1,5}$/.test(given) && Number(given) <= 65535 ? Number(given) : undefined),
  'a port, 0 to 65535',
);

/** The largest number that a variable may be. */
export const MOST = 999_999_999;
export const positive = validator(
  (given) => (/^[1-9]\d{0,8}$/.test(given) ? Number(given) : undefined),
  'a whole number of at least 1',
);

export const countOrOff = validator<number | false>(
  (given) => (given === 'off' ? false : /^[1-9]\d{0,8}$/.test(given) ? Number(given) : undefined),
  'a whole number from 1 on, or off',
);

export const secret = validator(
  (given) => (Buffer.byteLength(given) >= 32 ? given : undefined),
  'at least 32 bytes; make one with `openssl rand -base64 48`',
);

export const mailbox = validator(
  (given) => (/^[^\r\n]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/.test(given) ? given : undefined),
  'an address like "Parley <parley@example.com>"',
);

const MOST_EMAILS = 100;
export const emails = validator((given) => {
  const list = given.split(',').map((one) => one.trim());
  return list.length <= MOST_EMAILS && list.every((one) => /^[^\s<>@,]+@[^\s<>@,]+$/.test(one)) ? list : undefined;
}, `at most ${MOST_EMAILS} addresses like ada@example.com, separated by commas`);

export const domains = validator((given) => {
  const list = given.split(',').map(domainOf);
  return list.length <= MOST_DOMAINS && list.every((one) => one !== undefined) ? [...new Set(list)] : undefined;
}, `at most ${MOST_DOMAINS} domains like example.com, separated by commas`);

/** In any case of letters: `Production` must not count as development. */
export const environmentName = validator((given) => {
  const name = given.toLowerCase();
  return ['production', 'development', 'test'].includes(name) ? name : undefined;
}, 'production, development or test');
