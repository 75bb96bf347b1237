// What `parley support` tells of each variable.
import { expect, it } from 'vitest';
import { shownConfig } from '../../src/cli/support/shown.js';
import { loadConfig } from '../../src/config/config.js';
import { variables } from '../../src/config/variables.js';

const KEY = 'words-that-are-nobodys-business-';

/** For each variable a value, and the setting that shows it, with what it shows; null: nothing of it, but that it is set. */
const SHOWN: Record<keyof typeof variables, [given: string, name: string, shown: string | null]> = {
  HOST: ['0.0.0.0', 'host', '0.0.0.0'],
  PORT: ['3999', 'port', '3999'],
  PUBLIC_URL: ['https://chat.example.com/a', 'publicUrl', 'https://chat.example.com/a'],
  WEB_CLIENT: ['off', 'webClientFolder', 'not set'],
  APP_URL: ['https://app.example.com', 'appUrl', 'https://app.example.com'],
  MOTD: [`${KEY}motd`, 'motd', null],
  REGISTRATION: ['domains', 'registration', 'domains'],
  ALLOWED_DOMAINS: ['a.example,b.example', 'allowedDomains', 'a.example, b.example'],
  ADMIN_EMAILS: [`${KEY}a@example.com,${KEY}b@example.com`, 'adminEmails', '2 addresses'],
  DATA_DIR: ['/srv/parley', 'dataDir', '/srv/parley'],
  DATABASE_URL: [
    `mysql://${KEY}user:${KEY}password@db.example.com/chat?ssl-mode=REQUIRED`,
    'databaseUrl',
    'chat at db.example.com:3306, ssl-mode=REQUIRED',
  ],
  DATABASE_POOL: ['17', 'databasePool', '17'],
  REDIS_URL: [
    `rediss+sentinel://${KEY}user:${KEY}password@redis.example.com/first/3?sentinel_password=${KEY}sentinel`,
    'redisUrl',
    'sentinel at redis.example.com:26379, master first, database 3, TLS on',
  ],
  REDIS_PREFIX: ['club', 'redisPrefix', 'club:'],
  MIGRATE_AT_START: ['off', 'migrateAtStart', 'false'],
  JWT_SECRET: [`${KEY}secret`, 'jwtSecret', null],
  JWT_SECRET_PREVIOUS: [`${KEY}previous`, 'jwtSecretPrevious', null],
  SESSION_TTL: ['12h', 'sessionTtlMs', '43200000'],
  REAUTHENTICATE_AFTER: ['15m', 'reauthenticateAfterMs', '900000'],
  SMTP_URL: [`smtps://${KEY}user:${KEY}password@mail.example.com:465`, 'smtpUrl', 'smtps://mail.example.com:465'],
  SMTP_TLS: ['optional', 'smtpTls', 'optional'],
  SMTP_CA: ['/etc/parley/ca.pem', 'smtpCa', '/etc/parley/ca.pem'],
  MAIL_FROM: [`${KEY}from@example.com`, 'mailFrom', null],
  BOT_URL: [`https://api.example.com/v1?key=${KEY}query`, 'botUrl', 'https://api.example.com/v1?…'],
  BOT_MODEL: ['small-model', 'botModel', 'small-model'],
  BOT_API_KEY: [`${KEY}key`, 'botApiKey', null],
  BOT_PROMPT: [`${KEY}prompt`, 'botPrompt', null],
  BOT_MAX_TOKENS: ['321', 'botMaxTokens', '321'],
  BOT_QUESTIONS_PER_DAY: ['322', 'botQuestionsPerDay', '322'],
  BOT_CHARACTERS_PER_DAY: ['323', 'botCharactersPerDay', '323'],
  BOT_BUDGET_PER_DAY: ['324', 'botBudgetPerDay', '324'],
  CORS_ORIGINS: ['https://b.example.com', 'corsOrigins', 'https://b.example.com'],
  TRUST_PROXY: ['10.0.0.0/8', 'trustProxy', '10.0.0.0/8'],
  STOP_GRACE: ['3s', 'stopGraceMs', '3000'],
  LOG_LEVEL: ['warn', 'logLevel', 'warn'],
  SOCKET_TRANSPORTS: ['websocket', 'socketTransports', 'websocket'],
  SOCKET_PACKETS_PER_SECOND: ['325', 'socketPacketsPerSecond', '325'],
  SOCKETS_PER_NETWORK: ['326', 'socketsPerNetwork', '326'],
  CONNECTIONS_PER_NETWORK: ['327', 'connectionsPerNetwork', '327'],
  API_DOCS: ['off', 'apiDocs', 'false'],
  RATE_LIMITS: ['off', 'rateLimits', 'false'],
  MESSAGES_PER_DAY: ['328', 'messagesPerDay', '328'],
  REGISTRATIONS_PER_HOUR: ['329', 'registrationsPerHour', '329'],
  GROUPS_OWNED_PER_USER: ['330', 'groupsOwnedPerUser', '330'],
  MEMBERSHIPS_PER_USER: ['331', 'membershipsPerUser', '331'],
  SESSIONS_PER_USER: ['332', 'sessionsPerUser', '332'],
  EVERYONE_LIMIT: ['333', 'everyoneLimit', '333'],
  METRICS_PORT: ['9100', 'metricsPort', '9100'],
  METRICS_HOST: ['0.0.0.0', 'metricsHost', '0.0.0.0'],
  NODE_ENV: ['production', 'production', 'true'],
};

const shownOf = (env: Record<string, string>) => shownConfig(loadConfig(env));

it('shows of each variable what is no secret, and no address and no words of a person', () => {
  expect(Object.keys(SHOWN).sort()).toEqual(Object.keys(variables).sort());
  const shown = shownOf(Object.fromEntries(Object.entries(SHOWN).map(([name, [given]]) => [name, given])));
  for (const [variable, [given, name, expected]] of Object.entries(SHOWN))
    expect(shown[name], variable).toBe(expected ?? `set (${given.length} characters)`);
  expect(JSON.stringify(shown)).not.toContain(KEY);
});

it('says which are not set', () => {
  expect(shownOf({})).toMatchObject({
    databaseUrl: 'not set',
    redisUrl: 'not set',
    smtpUrl: 'not set',
    jwtSecret: 'not set',
    adminEmails: '0 addresses',
    trustProxy: 'false',
    corsOrigins: 'none',
  });
});
