import type { DomainError } from '../errors.js';
import type { SecurityLog } from './security-log.js';

const OF_TOKENS = new Set(['token_invalid', 'token_expired', 'session_revoked']);
const OF_LIMITS = new Set(['rate_limited', 'too_many_sockets']);

/** What was refused at the edge, whichever service refused it, and concerns a security officer. Services tell the rest. */
export function tellRefusal(
  log: SecurityLog,
  { code }: DomainError,
  who: { user_id?: number; network?: string },
): void {
  if (OF_TOKENS.has(code)) log.tell('token_refused', { code, ...who });
  else if (OF_LIMITS.has(code)) log.tell('limit_reached', who);
  else if (code === 'origin_refused') log.tell('origin_refused', who);
}
