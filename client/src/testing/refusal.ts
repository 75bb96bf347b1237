import type { ErrorCode } from '../errors.js';

/** The status of each code, and how HTTP calls it: docs/protocol.md, "Errors". */
const STATUS: Readonly<Record<string, number>> = {
  invalid: 400,
  unknown_event: 400,
  login_failed: 401,
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  session_revoked: 401,
  too_many_sockets: 401,
  forbidden: 403,
  blocked: 403,
  origin_refused: 403,
  password_too_new: 403,
  reauthentication_required: 403,
  wrong_password: 403,
  suspended: 403,
  group_frozen: 403,
  elevation_required: 403,
  registration_closed: 403,
  invite_required: 403,
  invite_invalid: 403,
  domain_not_allowed: 403,
  session_mismatch: 403,
  not_found: 404,
  quota_exceeded: 409,
  last_admin: 409,
  already_settled: 409,
  already_member: 409,
  has_left: 409,
  already_registered: 409,
  open_group: 409,
  too_many_reactions: 409,
  client_id_conflict: 409,
  expired: 410,
  message_deleted: 410,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  busy: 503,
  unavailable: 503,
  bot_unavailable: 503,
};

const NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  410: 'Gone',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What a client is told of an error, on a socket as it is and over HTTP beside `statusCode` and `error`. */
export interface RefusalBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** Seconds. */
  readonly retry_after?: number;
}

/** The server says no. */
export class Refusal extends Error {
  readonly status: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    private readonly details: Pick<RefusalBody, 'fields' | 'retry_after'> = {},
  ) {
    super(message);
    this.status = STATUS[code] ?? 500;
  }

  get retryAfter(): number | undefined {
    return this.details.retry_after;
  }

  body(): RefusalBody {
    return { code: this.code, message: this.message, ...this.details };
  }

  httpBody(): object {
    return { statusCode: this.status, error: NAMES[this.status] ?? 'Error', ...this.body() };
  }
}

/** A socket that showed such a token is closed. */
export const closesSocket = ({ code, status }: Refusal): boolean => status === 401 && code !== 'token_missing';

export const invalid = (message: string, fields?: Record<string, string[]>): Refusal =>
  new Refusal('invalid', message, fields ? { fields } : {});

/** Also for what exists but is none of the caller's business. */
export const notFound = (what: string, hint = ''): Refusal =>
  new Refusal('not_found', `There is no such ${what}.${hint}`);

export const forbidden = (message: string): Refusal => new Refusal('forbidden', message);

export const rateLimited = (what: string, ms: number): Refusal => {
  const seconds = Math.ceil(ms / 1_000);
  return new Refusal('rate_limited', `${what} Try again in ${seconds} s.`, { retry_after: seconds });
};

export const blocked = (sentence = 'Messages between the two of you are blocked.'): Refusal =>
  new Refusal('blocked', sentence);

export const blockedFromGroups = (): Refusal => blocked('One of the two of you has blocked the other.');

export const groupFrozen = (): Refusal =>
  new Refusal('group_frozen', 'Those who run this server have frozen this group: it can only be read.');

export const suspended = (): Refusal =>
  new Refusal('suspended', 'This account is suspended. Ask those who run this server.');

export const tokenMissing = (): Refusal =>
  new Refusal(
    'token_missing',
    'Send the token from POST /http/login in the header `authentication`, or as `token` on the socket.',
  );

export const tokenInvalid = (): Refusal =>
  new Refusal('token_invalid', 'This is not a token of this server. Log in again.');

export const tokenExpired = (): Refusal => new Refusal('token_expired', 'The session has expired. Log in again.');

export const sessionRevoked = (): Refusal => new Refusal('session_revoked', 'The session has ended. Log in again.');
