import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from './error-codes.js';
import type { ErrorBody } from './http/error-body.js';
import { isDeadlock, isLockTimeout, isLostConnection, isReadOnly } from './lost-connection.js';

/** HTTP status of each kind of error: the only place that relates the two. */
const STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorKind = keyof typeof STATUS;

export type ErrorDetails = Pick<ErrorBody, 'fields' | 'retry_after'>;

/**
 * An error that the caller is meant to see. Services throw these; the edges turn `kind` into a status. Every other error becomes `internal`,
 * without its message.
 */
export class DomainError extends Error {
  constructor(
    readonly kind: ErrorKind,
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
  ) {
    super(message);
  }

  get status(): number {
    return STATUS[this.kind];
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, ...this.details };
  }
}

export class Invalid extends DomainError {
  constructor(message: string, fields?: Record<string, string[]>) {
    super('invalid', 'invalid', message, fields ? { fields } : {});
  }
}

/** Also for what exists and the caller may not know of: the two answers must be the same. */
export class NotFound extends DomainError {
  constructor(what: string, hint = '') {
    super('not_found', 'not_found', `There is no such ${what}.${hint}`);
  }
}

export class RateLimited extends DomainError {
  constructor(what: string, retryAfter: number) {
    super('rate_limited', 'rate_limited', `${what} Try again in ${retryAfter} s.`, { retry_after: retryAfter });
  }
}

/** A quota is used up; docs/protocol.md lists the quotas. */
export class QuotaExceeded extends DomainError {
  constructor(message: string) {
    super('conflict', 'quota_exceeded', message);
  }
}

export class Forbidden extends DomainError {
  constructor(message: string) {
    super('forbidden', 'forbidden', message);
  }
}

/** Too much waits on this node, or a lock was not free in time; nothing was done. */
export class Busy extends DomainError {
  constructor() {
    super('unavailable', 'busy', 'The server is busy. Nothing was done; try again in a moment.', { retry_after: 1 });
  }
}

/** The database is away. What was asked for may or may not be done. */
export class Unavailable extends DomainError {
  constructor(message = 'The server cannot reach its database. Try again in a moment.') {
    super('unavailable', 'unavailable', message, { retry_after: 1 });
  }
}

const INTERNAL = new DomainError('internal', 'internal', 'Something went wrong on the server. Try again later.');

/** Refusals of the frameworks, each with a code of ours. */
const BY_STATUS = new Map<number, ErrorKind & ErrorCode>([
  [400, 'invalid'],
  [403, 'forbidden'],
  [404, 'not_found'],
  [413, 'too_large'],
  // A parameter in the path that is longer than any id or token of ours does not exist.
  [414, 'not_found'],
  [415, 'unsupported_media_type'],
  [429, 'rate_limited'],
  [503, 'unavailable'],
]);

/** Our sentences for errors of the frameworks. */
const SENTENCES: Partial<Record<ErrorKind, string>> = {
  not_found: 'There is no such route.',
  too_large: 'The request is larger than 64 KiB. Send less.',
  unsupported_media_type: 'Send JSON, with the header content-type: application/json.',
  unavailable: 'The server is shutting down. Try again in a moment.',
};

/** Turns anything that was thrown into a DomainError; `undefined` where it is our fault and belongs into the log. */
export function asDomainError(thrown: unknown): DomainError | undefined {
  if (thrown instanceof DomainError) return thrown;
  if (isLostConnection(thrown) || isReadOnly(thrown)) return new Unavailable();
  // A single statement, which no unit of work repeats: a cluster may end it for the sake of another server's.
  if (isDeadlock(thrown) || isLockTimeout(thrown)) return new Busy();
  // Fastify's and Nest's own errors have a status; one below 500 is a mistake of the client.
  const { status, statusCode, message } = (thrown ?? {}) as {
    status?: unknown;
    statusCode?: unknown;
    message?: string;
  };
  const kind = BY_STATUS.get(Number(status ?? statusCode));
  if (!kind) return undefined;
  return new DomainError(kind, kind, SENTENCES[kind] ?? message ?? kind);
}

export const internalError = (): DomainError => INTERNAL;

/** The body of an error answer over HTTP. */
export const httpErrorBody = (error: DomainError) => ({
  statusCode: error.status,
  error: STATUS_CODES[error.status] ?? 'Error',
  ...error.toBody(),
});
