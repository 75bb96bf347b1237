import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** How a connection is encrypted, in MySQL's terms. */
const SSL_MODES = ['DISABLED', 'PREFERRED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** The parts of DATABASE_URL, decoded. */
export interface DatabaseUrl {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly sslMode: SslMode;
  /** The authorities to trust instead of the well-known ones, in PEM format. */
  readonly sslCa: string | undefined;
}

/** Its message continues "DATABASE_URL …", and never contains what may be a secret. */
export class DatabaseUrlError extends Error {}

const FORM =
  'must be a URL like mysql://user:password@host:3306/database?ssl-mode=REQUIRED, with special characters of user and password as %xx';

/** The one reader of DATABASE_URL: mysql:// or mariadb://. @throws DatabaseUrlError */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  if (!URL.canParse(text)) throw new DatabaseUrlError(FORM);
  const url = new URL(text);
  const isOurs = url.protocol === 'mysql:' || url.protocol === 'mariadb:';
  if (!isOurs || !url.hostname || url.hash || url.port === '0' || !/^\/[^/]+$/.test(url.pathname))
    throw new DatabaseUrlError(FORM);
  const { hostname, username, password, pathname } = url;
  const host = decode(hostname.replace(/^\[(.*)\]$/, '$1'));
  return {
    host,
    port: url.port ? Number(url.port) : 3306,
    user: decode(username) || undefined,
    password: decode(password) || undefined,
    database: decode(pathname.slice(1)),
    ...encryption(url.searchParams, host),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new DatabaseUrlError(FORM);
  }
}

function encryption(given: URLSearchParams, host: string): Pick<DatabaseUrl, 'sslMode' | 'sslCa'> {
  for (const name of given.keys()) {
    if (name !== 'ssl-mode' && name !== 'ssl-ca') {
      // The unknown text may be a part of the password.
      const shown = /^[a-z][a-z_-]{0,30}$/i.test(name) ? ` ${name}` : '';
      throw new DatabaseUrlError(`has an unknown parameter${shown}; there are ssl-mode and ssl-ca`);
    }
    if (given.getAll(name).length > 1) throw new DatabaseUrlError(`has ${name} twice`);
  }
  const ca = given.get('ssl-ca');
  // As MySQL's own clients do: an authority is given to be checked.
  const mode = (given.get('ssl-mode') ?? (ca === null ? 'PREFERRED' : 'VERIFY_CA')).toUpperCase();
  const sslMode = SSL_MODES.find((one) => one === mode);
  if (!sslMode) throw new DatabaseUrlError(`has an ssl-mode that is none of ${SSL_MODES.join(', ')}`);
  if (ca !== null && !sslMode.startsWith('VERIFY'))
    throw new DatabaseUrlError(
      `has an ssl-ca, which ssl-mode=${sslMode} would not ask; use VERIFY_CA or VERIFY_IDENTITY`,
    );
  if (sslMode === 'VERIFY_IDENTITY' && isIP(host))
    throw new DatabaseUrlError(
      'has an address as its host, which ssl-mode=VERIFY_IDENTITY cannot check; use its name, or VERIFY_CA',
    );
  return { sslMode, sslCa: ca === null ? undefined : certificates(ca) };
}

function certificates(file: string): string {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new DatabaseUrlError(`has an ssl-ca that cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    void new X509Certificate(pem).fingerprint256;
  } catch {
    throw new DatabaseUrlError('has an ssl-ca that holds no certificate in PEM format');
  }
  return pem;
}
