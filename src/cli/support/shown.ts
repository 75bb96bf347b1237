import type { Config } from '../../config/config.js';
import type { DatabaseUrl } from '../../config/database-url.js';
import { nameOf, type RedisUrl } from '../../config/redis-url.js';
import { placeOf } from '../checks/database.js';

/** A text whose length alone is told. */
const hidden = (text: string): string => `set (${text.length} characters)`;

/** `https://api.example.com/v1?…`: what the query of a model's server holds may be its key. */
const withoutQuery = (url: string): string => url.replace(/\?.*/s, '?…');

const databaseOf = ({ sslMode, sslCa }: DatabaseUrl, config: Config): string =>
  `${placeOf(config)}, ssl-mode=${sslMode}${sslCa === undefined ? '' : ', ssl-ca is set'}`;

const redisOf = ({ kind, addresses, isTls, database, masterName }: RedisUrl): string => {
  const master = masterName && `, master ${masterName}`;
  return `${kind} at ${addresses.map(nameOf).join(', ')}${master}, database ${database}, TLS ${isTls ? 'on' : 'off'}`;
};

/** What is no secret, no address of a person, and nobody's words: it helps whoever looks for a fault. */
const asIs = (value: string | number | false | readonly string[]): string =>
  Array.isArray(value) ? value.join(', ') || 'none' : String(value);

/** Numbers and switches are harmless. How each other setting is told is decided here: a new one does not compile without a line. */
type Told = {
  readonly [Name in keyof Config as NonNullable<Config[Name]> extends number | boolean ? never : Name]: (
    value: NonNullable<Config[Name]>,
    config: Config,
  ) => string;
};

const TOLD: Told = {
  host: asIs,
  publicUrl: asIs,
  publicPath: asIs,
  webClientFolder: asIs,
  appUrl: asIs,
  motd: hidden,
  registration: asIs,
  allowedDomains: asIs,
  adminEmails: ({ length }) => `${length} ${length === 1 ? 'address' : 'addresses'}`,
  dataDir: asIs,
  databaseUrl: databaseOf,
  redisUrl: redisOf,
  redisPrefix: asIs,
  jwtSecret: hidden,
  jwtSecretPrevious: hidden,
  smtpUrl: (url) => `${new URL(url).protocol}//${new URL(url).host}`,
  smtpTls: asIs,
  smtpCa: asIs,
  mailFrom: hidden,
  botUrl: withoutQuery,
  botModel: asIs,
  botApiKey: hidden,
  botPrompt: hidden,
  corsOrigins: asIs,
  trustProxy: asIs,
  logLevel: asIs,
  socketTransports: asIs,
  metricsHost: asIs,
};

/** The settings, with everything hidden that is a secret or somebody's words. */
export function shownConfig(config: Config): Record<string, string> {
  const told = TOLD as Readonly<Record<string, (value: unknown, config: Config) => string>>;
  return Object.fromEntries(
    Object.entries(config).map(([name, value]): [string, string] => {
      if (value === undefined) return [name, 'not set'];
      return [name, Object.hasOwn(told, name) ? told[name]!(value, config) : String(value)];
    }),
  );
}

const LAST_LINES = 100;
const LONGEST_LINE = 500;

/** The end of a log. The server's own has no addresses, tokens and texts; what others have written into the file may. */
export const lastLines = (text: string): string[] =>
  text
    .trimEnd()
    .split(/\r?\n/)
    .slice(-LAST_LINES)
    .map((line) =>
      line
        .slice(0, LONGEST_LINE)
        .replace(/[^\s<>"'@]+@[^\s<>"'@]+/g, '(address)')
        .replace(/[\w-]{24,}(\.[\w-]{10,})+|\b[\w-]{40,}\b/g, '(token)'),
    );
