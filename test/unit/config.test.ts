import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config/config.js';
import { parseRedisUrl } from '../../src/config/redis-url.js';
import { envExample } from '../../src/config/variables.js';
import { loadSecret } from '../../src/config/secret.js';
import { temporaryFolder } from '../support/app.js';

const SECRET = 'x'.repeat(32);

describe('the configuration', () => {
  it('is what .env.example says, variable for variable', async () => {
    // `npx vitest run test/unit -u` writes the file anew.
    await expect(envExample()).toMatchFileSnapshot('../../.env.example');
  });

  it('has a default for everything, and cannot be changed', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      publicUrl: 'http://localhost:3000',
      databaseUrl: undefined,
      databasePool: 10,
      migrateAtStart: true,
      sessionTtlMs: 30 * 86_400_000,
      trustProxy: false,
      socketTransports: ['websocket', 'polling'],
      rateLimits: true,
      messagesPerDay: 10_000,
      registrationsPerHour: 1_000,
      groupsOwnedPerUser: 200,
      membershipsPerUser: 1_000,
      sessionsPerUser: 50,
      devMail: true,
      botUrl: undefined,
      botModel: 'gpt-4o-mini',
      botApiKey: undefined,
      botPrompt: expect.stringContaining('friendly'),
      botMaxTokens: 2_000,
      botQuestionsPerDay: 200,
      botCharactersPerDay: 100_000,
      botBudgetPerDay: 10_000,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(() => ((config as { port: number }).port = 1)).toThrow();
  });

  it('demands TLS of a mail server, unless that is this machine or the operator says so', () => {
    const smtpTls = (url: string, given = '') => loadConfig({ SMTP_URL: url, SMTP_TLS: given }).smtpTls;
    expect(smtpTls('smtp://user:password@mail.example.com:587')).toBe('required');
    expect(smtpTls('smtp://localhost.example.com')).toBe('required');
    expect(smtpTls('smtp://[::1]:1025')).toBe('optional');
    expect(smtpTls('smtps://localhost')).toBe('required');
    expect(smtpTls('smtp://mail.example.com', 'optional')).toBe('optional');
    expect(smtpTls('smtp://127.0.0.1', 'required')).toBe('required');
  });

  it('does not start without the web client that it is told to serve', () => {
    const nowhere = '/nonexistent';
    expect(() => loadConfig({ WEB_CLIENT: 'on' }, nowhere)).toThrow('not built; run: npm run build');
    expect(loadConfig({}, nowhere).webClientFolder).toBeUndefined();
  });

  it('takes an empty variable as not set', () => {
    expect(loadConfig({ SMTP_URL: '', PORT: ' ' })).toMatchObject({ smtpUrl: undefined, port: 3000 });
  });

  it.each([
    ['PORT', '80800'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['PUBLIC_URL', 'chat.example.com'],
    ['PUBLIC_URL', 'ftp://chat.example.com'],
    ['PUBLIC_URL', 'https://user:hunter2@chat.example.com'],
    ['PUBLIC_URL', 'https://chat.example.com/?a=hunter2'],
    ['PUBLIC_URL', 'https://chat.example.com/?'],
    ['PUBLIC_URL', 'https://chat.example.com/#hunter2'],
    ['PUBLIC_URL', 'https://chat.example.com//chat'],
    ['MOTD', `hunter2${'x'.repeat(494)}`],
    ['NODE_ENV', 'prod'],
    ['DATABASE_URL', 'postgres://user:hunter2@host/db'],
    ['DATABASE_URL', 'hunter2'],
    ['DATABASE_URL', 'mysql://user:hunter2@host'],
    ['DATABASE_URL', 'mysql://user:hunter2@host/'],
    ['JWT_SECRET', 'hunter2'],
    ['SESSION_TTL', '30'],
    ['SESSION_TTL', '0d'],
    ['SESSION_TTL', 'forever'],
    ['SMTP_URL', 'mail.example.com'],
    ['SMTP_URL', 'smtp://mail.example.com?ignoreTLS=true'],
    ['SMTP_URL', 'smtp://mail.example.com#x'],
    ['SMTP_TLS', 'yes'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'a@example.com\nBcc: b@example.com'],
    ['BOT_URL', 'localhost:11434/v1'],
    ['BOT_URL', 'ws://localhost/v1'],
    ['BOT_URL', 'http://'],
    ['BOT_MAX_TOKENS', '0'],
    ['BOT_MAX_TOKENS', 'many'],
    ['BOT_QUESTIONS_PER_DAY', 'off'],
    ['BOT_BUDGET_PER_DAY', '1.5'],
    ['BOT_URL', 'https://user:hunter2@example.com/v1'],
    ['BOT_URL', 'https://example.com/v1#hunter2'],
    ['BOT_API_KEY', 'hunter2 hunter2'],
    ['BOT_API_KEY', 'hunter2\r\nx-evil: 1'],
    ['BOT_API_KEY', 'hunter2é'],
    ['ADMIN_EMAILS', 'Ada'],
    ['ADMIN_EMAILS', 'ada@example.com,'],
    ['CORS_ORIGINS', 'https://example.com/path'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'https://example.com/'],
    ['CORS_ORIGINS', 'https://example.com:443'],
    ['CORS_ORIGINS', 'https://Example.com'],
    ['CORS_ORIGINS', 'HTTPS://example.com'],
    ['CORS_ORIGINS', 'example.com'],
    ['CORS_ORIGINS', 'capacitor://'],
    ['CORS_ORIGINS', 'capacitor://localhost/'],
    ['CORS_ORIGINS', 'chrome-extension://*'],
    ['CORS_ORIGINS', 'https://example.com,,https://example.org'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '0'],
    ['TRUST_PROXY', '10.0.0.0/99'],
    ['TRUST_PROXY', '10.0.0.0/8,proxy'],
    ['LOG_LEVEL', 'loud'],
    ['SOCKET_TRANSPORTS', 'carrier-pigeon'],
    ['RATE_LIMITS', 'no'],
    ['MESSAGES_PER_DAY', '0'],
    ['SESSIONS_PER_USER', '1e3'],
    ['GROUPS_OWNED_PER_USER', '-5'],
  ])('refuses %s=%s, with the name and without the value', (name, value) => {
    const load = () => loadConfig({ [name]: value, ...(name === 'DATABASE_URL' && { JWT_SECRET: SECRET }) });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(new RegExp(`\\n  ${name} must be`));
    expect(load).not.toThrow(/hunter2/);
  });

  it('asks where links lead when the port is not known', () => {
    expect(() => loadConfig({ REDIS_URL: 'redis://localhost' })).toThrow(/DATABASE_URL is required with REDIS_URL/);
    expect(() => loadConfig({ REDIS_URL: 'redis://localhost' })).toThrow(/SMTP_URL is required with REDIS_URL/);
    expect(() => loadConfig({ PORT: '0' })).toThrow(/PUBLIC_URL is required with PORT=0/);
  });

  it('says what REDIS_URL has to be', () => {
    const refused = ['localhost:6379', 'http://localhost', 'redis://', 'redis://localhost/x', 'redis://a,,b'];
    refused.push(
      'redis://:%zz@localhost',
      'redis://%@localhost',
      'redis://localhost?',
      'redis://localhost#x',
      'redis://a:0',
    );
    for (const wrong of refused)
      expect(() => loadConfig({ REDIS_URL: wrong }), wrong).toThrow(/REDIS_URL must be redis:/);
    for (const [wrong, because] of [
      ['redis://localhost?family=6', /has an unknown parameter/],
      ['redis://a,b/1', /has only database 0/],
      ['redis://u:hunter2@a,u:hunter2@b', /user and password once/],
      ['redis+sentinel://a', /needs the name/],
      ['redis+sentinel://a/x/y', /needs the name/],
      ['redis+sentinel://a/x?password=hunter2', /has an unknown parameter/],
    ] as const) {
      expect(() => loadConfig({ REDIS_URL: wrong }), wrong).toThrow(because);
      expect(() => loadConfig({ REDIS_URL: wrong }), wrong).not.toThrow(/hunter2/);
    }
  });

  it('reads each form of REDIS_URL', () => {
    const nothing = { isTls: false, user: undefined, password: undefined, database: 0, masterName: '' };
    const single = { ...nothing, sentinelUser: undefined, sentinelPassword: undefined };
    expect(parseRedisUrl('redis://localhost')).toEqual({
      ...single,
      kind: 'server',
      addresses: [{ host: 'localhost', port: 6379 }],
    });
    expect(parseRedisUrl('rediss://a%40b:p%3Aq@[::1]:7000/3')).toEqual({
      ...single,
      kind: 'server',
      addresses: [{ host: '::1', port: 7000 }],
      isTls: true,
      user: 'a@b',
      password: 'p:q',
      database: 3,
    });
    expect(parseRedisUrl('redis://:pw@h1:7000,h2,[::2]:7002/0')).toEqual({
      ...single,
      kind: 'cluster',
      addresses: [
        { host: 'h1', port: 7000 },
        { host: 'h2', port: 6379 },
        { host: '::2', port: 7002 },
      ],
      password: 'pw',
    });
    expect(parseRedisUrl('rediss+sentinel://u:pw@s1,s2:1/my-master/2?sentinel_password=x%26y')).toEqual({
      kind: 'sentinel',
      addresses: [
        { host: 's1', port: 26379 },
        { host: 's2', port: 1 },
      ],
      isTls: true,
      user: 'u',
      password: 'pw',
      database: 2,
      masterName: 'my-master',
      sentinelUser: undefined,
      sentinelPassword: 'x&y',
    });
  });

  it('lists all that is wrong at once', () => {
    expect(() => loadConfig({ PORT: 'x', LOG_LEVEL: 'x', SMTP_URL: 'x' })).toThrow(
      /PORT[^]*SMTP_URL[^]*LOG_LEVEL|PORT[^]*LOG_LEVEL|LOG_LEVEL[^]*PORT/,
    );
  });

  it('asks for a secret of its own beside a database that others share', () => {
    expect(() => loadConfig({ DATABASE_URL: 'mysql://u:p@host/db' })).toThrow(/JWT_SECRET is required/);
    expect(loadConfig({ DATABASE_URL: 'mysql://u:p@host/db', JWT_SECRET: SECRET }).jwtSecret).toBe(SECRET);
  });

  it('reads units, lists and CIDRs', () => {
    expect(loadConfig({ SESSION_TTL: '15m' }).sessionTtlMs).toBe(900_000);
    expect(loadConfig({ MOTD: '🦊'.repeat(500) }).motd).toHaveLength(1_000);
    expect(loadConfig({ CORS_ORIGINS: 'https://a.example, http://b.example:8080' }).corsOrigins).toEqual([
      'https://a.example',
      'http://b.example:8080',
    ]);
    expect(loadConfig({ TRUST_PROXY: '2' }).trustProxy).toBe(2);
    expect(loadConfig({ TRUST_PROXY: '10.0.0.0/8,::1' }).trustProxy).toEqual(['10.0.0.0/8', '::1']);
    expect(
      loadConfig({ BOT_URL: 'https://x/v1?v=2', BOT_MODEL: 'llama3', BOT_API_KEY: ' sk-1 ', BOT_PROMPT: 'Be\nbrief.' }),
    ).toMatchObject({ botUrl: 'https://x/v1?v=2', botModel: 'llama3', botApiKey: 'sk-1', botPrompt: 'Be\nbrief.' });
    const apps = ['null', 'file://', 'capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'app://-'];
    expect(loadConfig({ CORS_ORIGINS: apps.join() }).corsOrigins).toEqual(apps);
    expect(loadConfig({ NODE_ENV: 'Production' }).production).toBe(true);
    expect(loadConfig({ PUBLIC_URL: 'https://chat.example.com/' })).toMatchObject({
      publicUrl: 'https://chat.example.com',
      publicPath: '',
    });
    expect(loadConfig({ PUBLIC_URL: 'https://example.com/our/chat/' })).toMatchObject({
      publicUrl: 'https://example.com/our/chat',
      publicPath: '/our/chat',
    });
  });
});

describe('the secret', () => {
  it('is made once, for its owner alone', () => {
    const dataDir = join(temporaryFolder(), 'new');
    const secret = loadSecret({ jwtSecret: undefined, dataDir });
    expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
    expect(loadSecret({ jwtSecret: undefined, dataDir })).toBe(secret);
    expect(statSync(join(dataDir, 'jwt-secret')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(loadSecret({ jwtSecret: SECRET, dataDir })).toBe(SECRET);
  });

  it('that was cut short is not used', () => {
    const dataDir = temporaryFolder();
    writeFileSync(join(dataDir, 'jwt-secret'), 'short');
    expect(() => loadSecret({ jwtSecret: undefined, dataDir })).toThrow(/less than 32 bytes/);
  });
});
