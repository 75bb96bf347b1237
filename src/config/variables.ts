import {
  anyText,
  completionsUrl,
  countOrOff,
  countUpTo,
  databaseUrl,
  domains,
  duration,
  durationOrOff,
  emails,
  environmentName,
  headerValue,
  mailbox,
  oneOf,
  origins,
  pageUrl,
  portNumber,
  positive,
  proxies,
  redisUrl,
  secondsUpTo,
  secret,
  shortText,
  smtpUrl,
  transports,
  UNITS,
  word,
} from './validators.js';
import { REGISTRATION_MODES } from './registration-modes.js';

/**
 * Every variable that Parley reads: its meaning, its type and its default. `.env.example` is made from this table; `docs` is its text where a
 * default is computed.
 */
export const variables = {
  HOST: anyText({ default: '127.0.0.1', desc: 'Address to listen on. 0.0.0.0 listens on all of them.' }),
  PORT: portNumber({ default: 3000, desc: 'Port to listen on.' }),
  PUBLIC_URL: pageUrl({
    default: undefined,
    docs: 'http://localhost:<PORT>',
    desc: 'Where people reach this server; with a path where a proxy serves it below one. Links in mails use this, and APP_URL where that is set.',
  }),
  WEB_CLIENT: oneOf(
    'on',
    'off',
  )({
    default: undefined,
    docs: 'on where web/dist is built',
    desc: "on serves Parley's own web client at PUBLIC_URL; off serves none.",
  }),
  APP_URL: pageUrl({
    default: undefined,
    docs: 'PUBLIC_URL where the web client is served, else none',
    desc: 'Where mails and pages lead people, for those with pages of their own. Pages of its origin may call this server.',
  }),
  MOTD: shortText({
    default: undefined,
    docs: 'none',
    desc: 'What clients show to everybody, also before a login: at most 500 characters of plain text.',
  }),
  REGISTRATION: oneOf(...REGISTRATION_MODES)({
    default: 'open',
    desc: 'Who may register: open, everybody; invite, those with an invitation; domains, those with an address in ALLOWED_DOMAINS; closed, nobody. Invitations pass all of them. Admins can change it while the server runs.',
  }),
  ALLOWED_DOMAINS: domains({
    default: [],
    docs: 'none',
    desc: 'Domains of addresses that may register with REGISTRATION=domains, separated by commas; those below them are others.',
  }),
  ADMIN_EMAILS: emails({
    default: [],
    docs: 'none',
    desc: 'Addresses of admins, separated by commas: whoever sets a password by a link that was sent to one of them becomes an admin.',
  }),
  DATA_DIR: anyText({
    default: './data',
    desc: 'Folder for the embedded database, the generated secret and mails without SMTP_URL.',
  }),
  DATABASE_URL: databaseUrl({
    default: undefined,
    docs: 'SQLite in DATA_DIR',
    desc: 'MySQL or MariaDB: mysql://user:password@host:3306/database?ssl-mode=REQUIRED. Without it, an embedded SQLite database.',
  }),
  DATABASE_POOL: countUpTo(1000)({
    default: 10,
    desc: 'Connections to MySQL or MariaDB that work; one more holds the lock against a second process.',
  }),
  REDIS_URL: redisUrl({
    default: undefined,
    docs: 'none: one process is all there is',
    desc: 'Redis, through which several processes with the same DATABASE_URL tell each other what happens: redis://user:password@host:6379. A Redis Cluster: redis://host:7000,host:7001. Sentinel: redis+sentinel://host:26379,host:26379/NAME.',
  }),
  REDIS_PREFIX: word({
    default: 'parley',
    desc: 'Begins all names in Redis. Communities that share a Redis need different ones.',
  }),
  MIGRATE_AT_START: oneOf(
    'on',
    'off',
  )({
    default: 'on',
    desc: 'off: the start changes no tables, and refuses where they are old; `parley migrate` brings them up to date.',
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
    desc: 'required, or optional: TLS where the mail server offers it, unchecked, and clear text where it (or an attacker in between) does not.',
  }),
  SMTP_CA: anyText({
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
  BOT_MODEL: anyText({ default: 'gpt-4o-mini', desc: 'Model to ask at BOT_URL.' }),
  BOT_API_KEY: headerValue({ default: undefined, docs: 'none', desc: 'Key for BOT_URL, sent as a bearer token.' }),
  BOT_PROMPT: anyText({
    default:
      'You are the friendly helper of a chat server. Answer in the language you are asked in, briefly and in plain text.',
    desc: 'The system prompt of the model at BOT_URL.',
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
  STOP_GRACE: secondsUpTo(4)({
    default: undefined,
    docs: '2s with REDIS_URL, else 0s',
    desc: 'How long a stop waits, ready no more, until a load balancer has noticed: 0s to 4s.',
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
  EVERYONE_LIMIT: positive({
    default: 100,
    desc: 'Largest group, in members, in which a member other than its owner may name everyone in a message.',
  }),
  METRICS_PORT: portNumber({
    default: undefined,
    docs: 'none',
    desc: 'Port of /metrics for Prometheus, which never belongs on the public one. 0 takes a free port.',
  }),
  METRICS_HOST: anyText({
    default: '127.0.0.1',
    desc: 'Address of METRICS_PORT. 0.0.0.0 listens on all of them: then keep strangers away from that port.',
  }),
  NODE_ENV: environmentName({
    default: 'development',
    desc: 'production turns off /dev/mail and the demo and logs JSON.',
  }),
};

/** The text of `.env.example`. */
export function envExample(): string {
  const lines = ['# Every variable that Parley reads, with its default. Copy to .env and change what you need.'];
  for (const [name, spec] of Object.entries(variables)) {
    const { desc, docs, default: preset } = spec as { desc?: string; docs?: string; default?: unknown };
    lines.push('', `# ${desc}`, `# Default: ${docs ?? String(preset)}`, `#${name}=`);
  }
  return lines.join('\n') + '\n';
}
