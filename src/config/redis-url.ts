/** Where a server of Redis, or a Sentinel, listens. */
export interface RedisAddress {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The parts of REDIS_URL, decoded. */
export interface RedisUrl {
  /** `server` may turn out to be one of a Redis Cluster, which it says itself. */
  readonly kind: 'server' | 'cluster' | 'sentinel';
  /** One with `server`, at least two with `cluster`, those of the Sentinels with `sentinel`. */
  readonly addresses: readonly RedisAddress[];
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** What the Sentinels call the master; empty without them. */
  readonly masterName: string;
  readonly sentinelUser: string | undefined;
  readonly sentinelPassword: string | undefined;
}

/** Its message continues "REDIS_URL …", and never contains what may be a secret. */
export class RedisUrlError extends Error {}

const FORM =
  'must be redis://user:password@host:6379, with special characters as %xx; redis://host:7000,host:7001 for a Redis Cluster; ' +
  'redis+sentinel://host:26379,host:26379/NAME for Sentinel; rediss instead of redis with TLS';
const ONLY_DATABASE_0 =
  'names several addresses, those of a Redis Cluster, which has only database 0: leave out the number at its end';
const NO_NAME =
  'needs the name that the Sentinels have for the master, and perhaps a database: redis+sentinel://host:26379/NAME, or /NAME/0';
const NO_PARAMETERS =
  'has an unknown parameter; there are sentinel_username and sentinel_password, with redis+sentinel:// alone';

/** The one reader of REDIS_URL. @throws RedisUrlError */
export function parseRedisUrl(text: string): RedisUrl {
  const [, scheme, authority, path = '', query] =
    /^(rediss?|rediss?\+sentinel):\/\/([^/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(text) ?? [];
  if (scheme === undefined || authority === undefined) throw new RedisUrlError(FORM);
  const isSentinel = scheme.endsWith('+sentinel');
  if (/@.*,.*@/.test(authority))
    throw new RedisUrlError('must have user and password once, before the first of its addresses');
  const at = authority.lastIndexOf('@');
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(authority.slice(0, Math.max(at, 0)))!;
  const addresses = authority
    .slice(at + 1)
    .split(',')
    .map((one) => addressOf(one, isSentinel ? 26_379 : 6_379));
  if (!isSentinel && query !== undefined) throw new RedisUrlError(query ? NO_PARAMETERS : FORM);
  const common = {
    addresses,
    isTls: scheme.startsWith('rediss'),
    user: decode(user) || undefined,
    password: decode(password) || undefined,
    ...sentinelAccess(query),
  };
  if (isSentinel) {
    const [, masterName, database = '0'] = /^\/([\w.-]+)(?:\/(\d+))?$/.exec(path) ?? [];
    if (masterName === undefined) throw new RedisUrlError(NO_NAME);
    return { ...common, kind: 'sentinel', masterName, database: Number(database) };
  }
  const [, database] = /^\/?(\d*)$/.exec(path) ?? [];
  if (database === undefined) throw new RedisUrlError(FORM);
  const kind = addresses.length > 1 ? 'cluster' : 'server';
  if (kind === 'cluster' && Number(database) !== 0) throw new RedisUrlError(ONLY_DATABASE_0);
  return { ...common, kind, masterName: '', database: Number(database) };
}

function addressOf(text: string, port: number): RedisAddress {
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined;
  if (!url?.hostname || url.port === '0') throw new RedisUrlError(FORM);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port ? Number(url.port) : port };
}

function sentinelAccess(query = ''): Pick<RedisUrl, 'sentinelUser' | 'sentinelPassword'> {
  const given = new URLSearchParams(query);
  for (const name of given.keys())
    if (name !== 'sentinel_username' && name !== 'sentinel_password') throw new RedisUrlError(NO_PARAMETERS);
  return {
    sentinelUser: given.get('sentinel_username') || undefined,
    sentinelPassword: given.get('sentinel_password') || undefined,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RedisUrlError(FORM);
  }
}

/** As it stands in a URL. */
export const nameOf = ({ host, port }: RedisAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
