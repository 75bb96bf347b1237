import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { cleanEnv, makeValidator, type ReporterOptions } from 'envalid';
import { type DatabaseUrl, parseDatabaseUrl } from './database-url.js';
import { isLoopbackName } from './loopback.js';

/** Thrown when the environment does not add up; the message lists every wrong variable, with its cure and without its value. */
export class ConfigError extends Error {}

/** A validator that never repeats its input, which may be a secret, in the error. */
const value = <T>(parse: (text: string) => T | undefined, expected: string) =>
  makeValidator<T>((text) => {
    const parsed = parse(text.trim());
    if (parsed === undefined) throw new Error(`must be ${expected}`);
    return parsed;
  });

const oneOf = <T extends string>(...words: T[]) =>
  value((text) => words.find((word) => word === text), `one of ${words.join(', ')}`);

const text = value((given) => given || undefined, 'a text that is not empty');

/** An operator's own switch of units; the result is milliseconds. */
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationOf = (given: string): number | undefined => {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(given) ?? [];
  return Number(count) * UNITS[unit as keyof typeof UNITS] || undefined;
};
const duration = value(durationOf, 'a number with a unit, like 30d, 12h or 15m');

const durationOrOff = value<number | false>(
  (given) => (given === 'off' ? false : durationOf(given)),
  'off, or a number with a unit, like 15m',
);

/**
 * An origin as a browser, or the shell of an app, sends it: of a web page, of any other scheme (`capacitor://localhost`, `file://`),
 * or `null`. Whatever no browser sends, like a pattern, a path or a default port, would allow nobody.
 */
const isOrigin = (given: string): boolean => {
  if (given === 'null' || given === 'file://') return true;
  if (/^https?:/i.test(given))
    return URL.canParse(given) && new URL(given).origin === given && !new URL(given).hostname.includes('*');
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*,]+$/.test(given) && URL.canParse(given);
};

const origins = value((given) => {
  const list = given.split(',').map((one) => one.trim());
  return list.every(isOrigin) ? list : undefined;
}, 'exact origins, without a path, a pattern or a default port, separated by commas: https://example.com,http://localhost:5173,capacitor://localhost; null names pages that have none');

/** Everything that people are shown begins with it. */
const pageUrl = value((given) => {
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

const proxies = value<false | number | string[]>((given) => {
  if (given === 'off') return false;
  if (/^[1-9]\d?$/.test(given)) return Number(given);
  const list = given.split(',').map((one) => one.trim());
  return list.every(isCidr) ? list : undefined;
}, 'off, the number of proxies in front, or their addresses as CIDRs separated by commas');

// Not `urlOf`: fetch refuses a user and password in a URL, and a fragment goes nowhere. A query stays: some servers want one.
const completionsUrl = value((given) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  return isHttp && url.hostname && !url.username && !url.password && !url.hash ? given : undefined;
}, 'a URL like https://api.openai.com/v1, without a user or password');

const headerValue = value(
  (given) => (/^[\x21-\x7e]+$/.test(given) ? given : undefined),
  'of visible ASCII characters, without spaces',
);

// Not `urlOf`: the mail library takes a query for settings, among them those that turn encryption off.
const smtpUrl = value((given) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isSmtp = url?.protocol === 'smtp:' || url?.protocol === 'smtps:';
  return isSmtp && url.hostname && !url.search && !url.hash ? given.replace(/\/+$/, '') : undefined;
}, 'a URL like smtp://user:password@mail.example.com:587, without a query (SMTP_TLS and SMTP_CA are variables of their own)');

const isLocal = (url: string | undefined): boolean =>
  url !== undefined && new URL(url).protocol === 'smtp:' && isLoopbackName(new URL(url).hostname);

const databaseUrl = makeValidator((given) => parseDatabaseUrl(given.trim()));

const count = (most: number) =>
  value(
    (given) => (/^[1-9]\d{0,3}$/.test(given) && Number(given) <= most ? Number(given) : undefined),
    `a number from 1 to ${most}`,
  );

type Transport = 'websocket' | 'polling';
const transports = value((given) => {
  const list = given.split(',').map((one) => one.trim());
  return list.every((one): one is Transport => one === 'websocket' || one === 'polling')
    ? [...new Set(list)]
    : undefined;
}, 'websocket, polling, or both separated by a comma');

const portNumber = value(
  (given) => (/^\d{1,5}$/.test(given) && Number(given) <= 65535 ? Number(given) : undefined),
  'a port, 0 to 65535',
);

const positive = value(
  (given) => (/^[1-9]\d{0,8}$/.test(given) ? Number(given) : undefined),
  'a whole number of at least 1',
);

const countOrOff = value<number | false>(
  (given) => (given === 'off' ? false : /^[1-9]\d{0,8}$/.test(given) ? Number(given) : undefined),
  'a whole number from 1 on, or off',
);

const secret = value(
  (given) => (Buffer.byteLength(given) >= 32 ? given : undefined),
  'at least 32 bytes; make one with `openssl rand -base64 48`',
);

const mailbox = value(
  (given) => (/^[^\r\n]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/.test(given) ? given : undefined),
  'an address like "Parley <parley@example.com>"',
);

/** In any case: `Production` must not be development. */
const environmentName = value((given) => {
  const name = given.toLowerCase();
  return ['production', 'development', 'test'].includes(name) ? name : undefined;
}, 'production, development or test');

/**
 * Every variable that Parley reads: its meaning, its type and its default, in one place. `.env.example` is made from this
 * table. `docs` is what the example file says where a default is computed.
 */
export const variables = {
  HOST: text({ default: '127.0.0.1', desc: 'Address to listen on. 0.0.0.0 listens on all of them.' }),
  PORT: portNumber({ default: 3000, desc: 'Port to listen on.' }),
  PUBLIC_URL: pageUrl({
    default: undefined,
    docs: 'http://localhost:<PORT>',
    desc: 'Where people reach this server; with a path where a proxy serves it below one. Links in mails use this and nothing else.',
  }),
  DATA_DIR: text({
    default: './data',
    desc: 'Folder for the embedded database, the generated secret and mails without SMTP_URL.',
  }),
  DATABASE_URL: databaseUrl({
    default: undefined,
    docs: 'SQLite in DATA_DIR',
    desc: 'MySQL or MariaDB: mysql://user:password@host:3306/database?ssl-mode=REQUIRED. Without it, an embedded SQLite database.',
  }),
  DATABASE_POOL: count(1000)({
    default: 10,
    desc: 'Connections to MySQL or MariaDB that work; one more holds the lock against a second process.',
  }),
  MIGRATE_AT_START: oneOf(
    'on',
    'off',
  )({
    default: 'on',
    desc: 'off: the start changes no tables, and refuses where they are old; `npm run migrate` brings them up to date.',
  }),
  JWT_SECRET: secret({
    default: undefined,
    docs: 'generated into DATA_DIR',
    desc: 'Signs access tokens and seals mails that wait; at least 32 bytes. Required with DATABASE_URL.',
  }),
  JWT_SECRET_PREVIOUS: secret({
    default: undefined,
    docs: 'none',
    desc: 'The JWT_SECRET until now, while tokens and mails made with it are still about: they stay good. It makes none.',
  }),
  SESSION_TTL: duration({ default: UNITS.d * 30, docs: '30d', desc: 'How long a login lasts: 30d, 12h, 15m.' }),
  REAUTHENTICATE_AFTER: durationOrOff({
    default: false,
    docs: 'off',
    desc: 'How long after a login a new password can be set without the current one: 15m. off: as long as it lasts.',
  }),
  SMTP_URL: smtpUrl({
    default: undefined,
    docs: 'mails stay in DATA_DIR/outbox',
    desc: 'Mail server: smtp://user:password@host:587 (STARTTLS) or smtps://…:465. Without it, mails become files.',
  }),
  SMTP_TLS: oneOf(
    'required',
    'optional',
  )({
    default: undefined,
    docs: 'required, or optional where SMTP_URL is smtp:// on this machine',
    desc: 'required, or optional: TLS where the mail server offers it, unchecked, and clear text where it (or somebody in between) does not.',
  }),
  SMTP_CA: text({
    default: undefined,
    docs: "the authorities that come with Node's",
    desc: 'File with the certificates (PEM) that the mail server is checked by.',
  }),
  MAIL_FROM: mailbox({ default: 'Parley <parley@localhost>', desc: 'Sender of all mails.' }),
  BOT_URL: completionsUrl({
    default: undefined,
    docs: 'the embedded bot answers, from the files in brain/',
    desc: 'Base of a server with an OpenAI-compatible API, as far as /chat/completions: http://localhost:11434/v1.',
  }),
  BOT_MODEL: text({ default: 'gpt-4o-mini', desc: 'Model to ask at BOT_URL.' }),
  BOT_API_KEY: headerValue({ default: undefined, docs: 'none', desc: 'Key for BOT_URL, sent as a bearer token.' }),
  BOT_PROMPT: text({
    default:
      'You are the friendly helper of a chat server. Answer in the language you are asked in, briefly and in plain text.',
    desc: 'What the model at BOT_URL is told before each conversation.',
  }),
  BOT_MAX_TOKENS: countOrOff({
    default: 2_000,
    desc: 'Longest answer of the model at BOT_URL in tokens, thoughts included, sent as `max_tokens`. off sends none.',
  }),
  BOT_QUESTIONS_PER_DAY: positive({
    default: 200,
    desc: 'Questions that one person may ask the model at BOT_URL in a day.',
  }),
  BOT_CHARACTERS_PER_DAY: positive({
    default: 100_000,
    desc: 'Characters of these questions in a day. With each go the prompt and up to 8,000 characters of the chat.',
  }),
  BOT_BUDGET_PER_DAY: positive({
    default: 10_000,
    desc: 'Questions to the model at BOT_URL in a day, of all people together.',
  }),
  CORS_ORIGINS: origins({
    default: [],
    docs: "PUBLIC_URL's origin alone",
    desc: 'Other origins whose pages and apps may call this server, exactly as they send them, separated by commas: https://example.com,capacitor://localhost.',
  }),
  TRUST_PROXY: proxies({
    default: false,
    docs: 'off',
    desc: 'Whose X-Forwarded-* headers to believe: off, a number of proxies, or CIDRs. Rates by IP depend on it.',
  }),
  LOG_LEVEL: oneOf('error', 'warn', 'info', 'debug')({ default: 'info', desc: 'error, warn, info or debug.' }),
  SOCKET_TRANSPORTS: transports({
    default: ['websocket', 'polling'],
    docs: 'websocket,polling',
    desc: 'What Socket.IO offers. websocket alone needs no sticky load balancer.',
  }),
  SOCKET_PACKETS_PER_SECOND: positive({
    default: 300,
    desc: 'Packets that one connection may send in a second on average, and four times as many at once. Past that it is closed.',
  }),
  SOCKETS_PER_NETWORK: positive({
    default: 2000,
    desc: 'Connections of sockets that one network may have open: an IPv4 address, or an IPv6 /64.',
  }),
  CONNECTIONS_PER_NETWORK: positive({
    default: 5000,
    desc: 'Connections of any kind that one network may have open, those of sockets among them. Proxies of TRUST_PROXY may have any number.',
  }),
  API_DOCS: oneOf('on', 'off')({ default: 'on', desc: 'off hides /http/docs and all that it shows.' }),
  RATE_LIMITS: oneOf(
    'on',
    'off',
  )({ default: 'on', desc: 'off only for load tests. Groups, memberships and sessions are bounded all the same.' }),
  MESSAGES_PER_DAY: positive({ default: 10_000, desc: 'Messages that one person may send in a day.' }),
  REGISTRATIONS_PER_HOUR: positive({
    default: 1_000,
    desc: 'Registrations that are taken in an hour, from all networks together. One network gets at most half of them.',
  }),
  GROUPS_OWNED_PER_USER: positive({ default: 200, desc: 'Groups that one person may own.' }),
  MEMBERSHIPS_PER_USER: positive({ default: 1_000, desc: 'Groups that one person may be a member of.' }),
  SESSIONS_PER_USER: positive({ default: 50, desc: 'Sessions that one person may have; one more ends the oldest.' }),
  NODE_ENV: environmentName({
    default: 'development',
    desc: 'production turns off /dev/mail and the demo and logs JSON.',
  }),
};

/** What the server was told, checked and frozen. Read once at start; nothing else reads the environment. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  /** The path of publicUrl, without a trailing slash: empty, or `/chat`. */
  readonly publicPath: string;
  /** False where PUBLIC_URL was left to its default. */
  readonly publicUrlGiven: boolean;
  readonly dataDir: string;
  /** Undefined for the embedded database. */
  readonly databaseUrl: DatabaseUrl | undefined;
  /** Connections to `databaseUrl` that work. */
  readonly databasePool: number;
  readonly migrateAtStart: boolean;
  /** Undefined: generated into dataDir. */
  readonly jwtSecret: string | undefined;
  /** Signs nothing, and opens what it has signed and sealed. */
  readonly jwtSecretPrevious: string | undefined;
  readonly sessionTtlMs: number;
  /** How long after a login it counts as recent; false: always. */
  readonly reauthenticateAfterMs: number | false;
  readonly smtpUrl: string | undefined;
  /** Whether mails go over TLS to the server of the certificate, or not at all. */
  readonly smtpTls: 'required' | 'optional';
  /** A file in PEM format. */
  readonly smtpCa: string | undefined;
  readonly mailFrom: string;
  /** Base of an OpenAI-compatible API, or undefined for the embedded bot. */
  readonly botUrl: string | undefined;
  readonly botModel: string;
  readonly botApiKey: string | undefined;
  /** The system prompt. */
  readonly botPrompt: string;
  /** Undefined: not sent. */
  readonly botMaxTokens: number | undefined;
  readonly botQuestionsPerDay: number;
  readonly botCharactersPerDay: number;
  readonly botBudgetPerDay: number;
  /** Origins beside PUBLIC_URL's own. */
  readonly corsOrigins: readonly string[];
  readonly trustProxy: false | number | string[];
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly socketTransports: readonly Transport[];
  /** What one connection may send, where `rateLimits` are on. */
  readonly socketPacketsPerSecond: number;
  /** Open connections of one network, where `rateLimits` are on. */
  readonly socketsPerNetwork: number;
  /** Open TCP connections of one network, where `rateLimits` are on. */
  readonly connectionsPerNetwork: number;
  readonly apiDocs: boolean;
  readonly rateLimits: boolean;
  readonly messagesPerDay: number;
  readonly registrationsPerHour: number;
  readonly groupsOwnedPerUser: number;
  readonly membershipsPerUser: number;
  readonly sessionsPerUser: number;
  readonly production: boolean;
  /** Mails can be read at /dev/mail: no SMTP server, not production, and only reachable from this machine. */
  readonly devMail: boolean;
}

/** Nest's injection token for the Config. */
export const CONFIG = Symbol('config');

/** Checks `env` and makes the Config. @throws ConfigError listing every wrong variable */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const wrong: string[] = [];
  const reporter = ({ errors }: ReporterOptions<unknown>) => {
    for (const [name, error] of Object.entries(errors)) wrong.push(`${name} ${(error as Error).message}`);
  };
  // An empty variable (`SMTP_URL=` in a .env file) means "not set".
  const given = Object.fromEntries(Object.entries(env).filter(([, content]) => content?.trim()));
  const read = cleanEnv(given, variables, { reporter });
  if (given['DATABASE_URL'] && !given['JWT_SECRET']) {
    wrong.push('JWT_SECRET is required with DATABASE_URL; make one with `openssl rand -base64 48`');
  }
  if (given['PORT'] === '0' && !given['PUBLIC_URL'])
    wrong.push('PUBLIC_URL is required with PORT=0: links need to lead somewhere');
  if (wrong.length > 0)
    throw new ConfigError(`The configuration is wrong:\n  ${wrong.join('\n  ')}\nSee .env.example.`);

  const publicUrl = read.PUBLIC_URL ?? `http://localhost:${read.PORT}`;
  const production = read.NODE_ENV === 'production';
  return Object.freeze({
    host: read.HOST,
    port: read.PORT,
    publicUrl,
    publicPath: new URL(publicUrl).pathname.replace(/\/+$/, ''),
    publicUrlGiven: read.PUBLIC_URL !== undefined,
    dataDir: resolve(read.DATA_DIR),
    databaseUrl: read.DATABASE_URL,
    databasePool: read.DATABASE_POOL,
    migrateAtStart: read.MIGRATE_AT_START === 'on',
    jwtSecret: read.JWT_SECRET,
    jwtSecretPrevious: read.JWT_SECRET_PREVIOUS,
    sessionTtlMs: read.SESSION_TTL,
    reauthenticateAfterMs: read.REAUTHENTICATE_AFTER,
    smtpUrl: read.SMTP_URL,
    smtpTls: read.SMTP_TLS ?? (isLocal(read.SMTP_URL) ? 'optional' : 'required'),
    smtpCa: read.SMTP_CA,
    mailFrom: read.MAIL_FROM,
    botUrl: read.BOT_URL,
    botModel: read.BOT_MODEL,
    botApiKey: read.BOT_API_KEY,
    botPrompt: read.BOT_PROMPT,
    botMaxTokens: read.BOT_MAX_TOKENS || undefined,
    botQuestionsPerDay: read.BOT_QUESTIONS_PER_DAY,
    botCharactersPerDay: read.BOT_CHARACTERS_PER_DAY,
    botBudgetPerDay: read.BOT_BUDGET_PER_DAY,
    corsOrigins: Object.freeze(read.CORS_ORIGINS),
    trustProxy: read.TRUST_PROXY,
    logLevel: read.LOG_LEVEL,
    socketTransports: Object.freeze(read.SOCKET_TRANSPORTS),
    socketPacketsPerSecond: read.SOCKET_PACKETS_PER_SECOND,
    socketsPerNetwork: read.SOCKETS_PER_NETWORK,
    connectionsPerNetwork: read.CONNECTIONS_PER_NETWORK,
    apiDocs: read.API_DOCS === 'on',
    rateLimits: read.RATE_LIMITS === 'on',
    messagesPerDay: read.MESSAGES_PER_DAY,
    registrationsPerHour: read.REGISTRATIONS_PER_HOUR,
    groupsOwnedPerUser: read.GROUPS_OWNED_PER_USER,
    membershipsPerUser: read.MEMBERSHIPS_PER_USER,
    sessionsPerUser: read.SESSIONS_PER_USER,
    production,
    devMail: !read.SMTP_URL && !production && isLoopbackName(read.HOST) && isLoopbackName(new URL(publicUrl).hostname),
  });
}

/** The text of `.env.example`. */
export function envExample(): string {
  const lines = ['# Every variable that Parley reads, with its default. Copy to .env and change what you need.'];
  for (const [name, spec] of Object.entries(variables)) {
    const { desc, docs, default: preset } = spec as { desc?: string; docs?: string; default?: unknown };
    lines.push('', `# ${desc}`, `# Default: ${docs ?? String(preset)}`, `#${name}=`);
  }
  return lines.join('\n') + '\n';
}
