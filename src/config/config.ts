import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnv, type ReporterOptions } from 'envalid';
import type { DatabaseUrl } from './database-url.js';
import { isLoopbackName } from './loopback.js';
import type { RedisUrl } from './redis-url.js';
import type { RegistrationMode } from './registration-modes.js';
import type { Transport } from './validators.js';
import { variables } from './variables.js';

/**
 * The environment is wrong; the message lists every wrong variable, with what it must be and without its value. Or DATA_DIR leads to what
 * cannot be used: the message names it.
 */
export class ConfigError extends Error {}

/** The configuration, checked and frozen. Read once at the start; nothing else reads the environment. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  /** The path of publicUrl, without a trailing slash: empty, or `/chat`. */
  readonly publicPath: string;
  /** False where PUBLIC_URL was left to its default. */
  readonly publicUrlGiven: boolean;
  /** The folder of the built web client; undefined where none is served. */
  readonly webClientFolder: string | undefined;
  /** Where an operator's own pages are, without a trailing slash; undefined where there are none. See also `appUrlOf`. */
  readonly appUrl: string | undefined;
  /** The message of the day. */
  readonly motd: string | undefined;
  readonly registration: RegistrationMode;
  /** In lower case and punycode. */
  readonly allowedDomains: readonly string[];
  /** As they are given: see `normalizeEmail`. */
  readonly adminEmails: readonly string[];
  readonly dataDir: string;
  /** Undefined for the embedded database. */
  readonly databaseUrl: DatabaseUrl | undefined;
  /** Connections to `databaseUrl`, without the one that holds the lock. */
  readonly databasePool: number;
  /** Undefined: this process is the only one on its database. */
  readonly redisUrl: RedisUrl | undefined;
  /** Before the names of all channels and keys in Redis. */
  readonly redisPrefix: string;
  readonly migrateAtStart: boolean;
  /** Undefined: generated into dataDir. */
  readonly jwtSecret: string | undefined;
  /** Verifies tokens and decrypts mails from before a change of the secret; signs and encrypts nothing. */
  readonly jwtSecretPrevious: string | undefined;
  readonly sessionTtlMs: number;
  /** For how long a login counts as recent; false: always. */
  readonly reauthenticateAfterMs: number | false;
  readonly smtpUrl: string | undefined;
  /** Whether mails are sent only over TLS, with a certificate that is checked. */
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
  /** Undefined: `max_tokens` is not sent. */
  readonly botMaxTokens: number | undefined;
  readonly botQuestionsPerDay: number;
  readonly botCharactersPerDay: number;
  readonly botBudgetPerDay: number;
  /** Allowed origins in addition to that of PUBLIC_URL. */
  readonly corsOrigins: readonly string[];
  readonly trustProxy: false | number | string[];
  /** Between a stop that begins, and the first socket that it closes. */
  readonly stopGraceMs: number;
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
  readonly everyoneLimit: number;
  readonly groupsOwnedPerUser: number;
  readonly membershipsPerUser: number;
  readonly sessionsPerUser: number;
  /** Undefined: nobody can ask for metrics. */
  readonly metricsPort: number | undefined;
  readonly metricsHost: string;
  readonly production: boolean;
  /**
   * Whether this process works on what waits: mails, exports, questions to the bot, what has expired. False in one that a command has started
   * for itself: it does what it is asked for, and the next server does the rest. Not a variable.
   */
  readonly worksOnWhatWaits: boolean;
  /** Whether mails can be read at /dev/mail: without SMTP_URL, outside of production, and only from this machine. */
  readonly devMail: boolean;
}

/** Where `npm run build` puts it, as seen from src/config and from dist/config. */
const WEB_CLIENT_FOLDER = fileURLToPath(new URL('../../web/dist', import.meta.url));

/** Of one node among several: two health checks a second apart, as in deploy/haproxy. */
const STOP_GRACE_MS = 2_000;

/** Nest's injection token for the Config. */
export const CONFIG = Symbol('config');

/** Checks `env` and makes the Config. @throws ConfigError listing every wrong variable */
export function loadConfig(env: NodeJS.ProcessEnv, builtClient = WEB_CLIENT_FOLDER): Config {
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
  for (const name of ['DATABASE_URL', 'SMTP_URL'])
    if (given['REDIS_URL'] && !given[name])
      wrong.push(`${name} is required with REDIS_URL: what lies in DATA_DIR is known to one process alone`);
  if (given['PORT'] === '0' && !given['PUBLIC_URL'])
    wrong.push('PUBLIC_URL is required with PORT=0: links need to lead somewhere');
  if (read.REGISTRATION === 'domains' && read.ALLOWED_DOMAINS.length === 0)
    wrong.push('ALLOWED_DOMAINS is required with REGISTRATION=domains');
  const isBuilt = existsSync(join(builtClient, 'index.html'));
  if (read.WEB_CLIENT === 'on' && !isBuilt)
    wrong.push('WEB_CLIENT is on, but the web client is not built; run: npm run build');
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
    webClientFolder: isBuilt && read.WEB_CLIENT !== 'off' ? builtClient : undefined,
    // Normalised to ASCII: it goes into a Location header.
    appUrl: read.APP_URL && new URL(read.APP_URL).href.replace(/\/+$/, ''),
    motd: read.MOTD,
    registration: read.REGISTRATION,
    allowedDomains: Object.freeze(read.ALLOWED_DOMAINS),
    adminEmails: Object.freeze(read.ADMIN_EMAILS),
    dataDir: resolve(read.DATA_DIR),
    databaseUrl: read.DATABASE_URL,
    databasePool: read.DATABASE_POOL,
    redisUrl: read.REDIS_URL,
    redisPrefix: `${read.REDIS_PREFIX}:`,
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
    stopGraceMs: read.STOP_GRACE ?? (read.REDIS_URL ? STOP_GRACE_MS : 0),
    logLevel: read.LOG_LEVEL,
    socketTransports: Object.freeze(read.SOCKET_TRANSPORTS),
    socketPacketsPerSecond: read.SOCKET_PACKETS_PER_SECOND,
    socketsPerNetwork: read.SOCKETS_PER_NETWORK,
    connectionsPerNetwork: read.CONNECTIONS_PER_NETWORK,
    apiDocs: read.API_DOCS === 'on',
    rateLimits: read.RATE_LIMITS === 'on',
    messagesPerDay: read.MESSAGES_PER_DAY,
    registrationsPerHour: read.REGISTRATIONS_PER_HOUR,
    everyoneLimit: read.EVERYONE_LIMIT,
    groupsOwnedPerUser: read.GROUPS_OWNED_PER_USER,
    membershipsPerUser: read.MEMBERSHIPS_PER_USER,
    sessionsPerUser: read.SESSIONS_PER_USER,
    metricsPort: read.METRICS_PORT,
    metricsHost: read.METRICS_HOST,
    production,
    worksOnWhatWaits: true,
    devMail: !read.SMTP_URL && !production && isLoopbackName(read.HOST) && isLoopbackName(new URL(publicUrl).hostname),
  });
}

const isLocal = (url: string | undefined): boolean =>
  url !== undefined && new URL(url).protocol === 'smtp:' && isLoopbackName(new URL(url).hostname);
