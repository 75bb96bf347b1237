/** What the server says went wrong; its docs/protocol.md, "Errors", says what each means. */
export type ServerErrorCode =
  | 'invalid'
  | 'login_failed'
  | 'token_missing'
  | 'token_invalid'
  | 'token_expired'
  | 'session_revoked'
  | 'forbidden'
  | 'blocked'
  | 'origin_refused'
  | 'password_too_new'
  | 'reauthentication_required'
  | 'wrong_password'
  | 'suspended'
  | 'group_frozen'
  | 'elevation_required'
  | 'registration_closed'
  | 'invite_required'
  | 'invite_invalid'
  | 'domain_not_allowed'
  | 'not_found'
  | 'quota_exceeded'
  | 'last_admin'
  | 'already_settled'
  | 'already_member'
  | 'has_left'
  | 'already_registered'
  | 'open_group'
  | 'too_many_reactions'
  | 'expired'
  | 'message_deleted'
  | 'too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'internal'
  | 'busy'
  | 'unavailable'
  | 'bot_unavailable'
  | 'session_mismatch'
  | 'client_id_conflict'
  | 'too_many_sockets'
  | 'unknown_event';

/**
 * What the client adds.
 *
 * - `offline`: there is no connection, and this call does not wait for one
 * - `timeout`: no answer came in time; the server may have done it all the same
 * - `aborted`: by the caller's own signal
 * - `discarded`: the message was taken back before it was sent
 * - `signed_out`: nobody is signed in, or it is somebody else than at the beginning of the call
 * - `closed`: the client was closed
 * - `outbox_full`: too many messages wait already
 * - `unsupported`: the server is older than this client, and has not what the call is about: see `features` of `parley.server`
 * - `storage_full`, `storage_failed`: this device keeps nothing more; what was sent meanwhile does not outlive the page
 * - `unexpected`: an answer that is none of Parley's
 */
export type ClientErrorCode =
  | 'offline'
  | 'timeout'
  | 'aborted'
  | 'discarded'
  | 'signed_out'
  | 'closed'
  | 'outbox_full'
  | 'unsupported'
  | 'storage_full'
  | 'storage_failed'
  | 'unexpected';

/** Open for the codes of a newer server: treat one that you do not know by `retryable`. */
export type ErrorCode = ServerErrorCode | ClientErrorCode | (string & {});

export interface ErrorDetails {
  readonly retry_after_ms?: number | undefined;
  readonly status?: number | undefined;
  readonly fields?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly cause?: unknown;
}

const RETRYABLE: ReadonlySet<string> = new Set([
  'offline',
  'timeout',
  'unavailable',
  'busy',
  'rate_limited',
  'internal',
  'too_many_sockets',
  'unexpected',
]);

/** Codes that end the session of a client. */
const ENDS_SESSION: ReadonlySet<string> = new Set([
  'token_missing',
  'token_invalid',
  'token_expired',
  'session_revoked',
  'suspended',
]);

/** Everything that this package throws, and everything that it tells of as having failed. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode;
  /** The same call may succeed later, unchanged. The outbox acts on this by itself. */
  readonly retryable: boolean;
  /** Not before this many milliseconds, as the server says. */
  readonly retry_after_ms?: number;
  /** Of HTTP, where the answer came by it. */
  readonly status?: number;
  /** Of code `invalid`: what is wrong with which input, in the server's words, for display beside it. */
  readonly fields?: Readonly<Record<string, readonly string[]>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = RETRYABLE.has(code) || (details.status ?? 0) >= 500;
    if (details.retry_after_ms !== undefined) this.retry_after_ms = details.retry_after_ms;
    if (details.status !== undefined) this.status = details.status;
    if (details.fields !== undefined) this.fields = details.fields;
  }

  static is(thrown: unknown, code?: ErrorCode): thrown is ParleyError {
    return thrown instanceof ParleyError && (code === undefined || thrown.code === code);
  }

  /** What was thrown, if it is one of these; otherwise `unexpected` around it. */
  static from(thrown: unknown): ParleyError {
    if (thrown instanceof ParleyError) return thrown;
    return new ParleyError('unexpected', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
  }
}

export function endsSession(error: ParleyError): boolean {
  return ENDS_SESSION.has(error.code);
}

interface WireError {
  code?: unknown;
  message?: unknown;
  fields?: unknown;
  retry_after?: unknown;
}

/** The error in an answer of the server, by HTTP or by socket. */
export function fromWire(body: unknown, status?: number): ParleyError {
  const wire: WireError = typeof body === 'object' && body !== null ? body : {};
  const code = typeof wire.code === 'string' ? wire.code : status === 429 ? 'rate_limited' : 'unexpected';
  const message =
    typeof wire.message === 'string' ? wire.message : `The answer was no answer of Parley's (${status ?? 'socket'}).`;
  return new ParleyError(code, message, {
    status,
    retry_after_ms: typeof wire.retry_after === 'number' ? wire.retry_after * 1000 : undefined,
    fields:
      typeof wire.fields === 'object' && wire.fields !== null ? (wire.fields as Record<string, string[]>) : undefined,
  });
}
