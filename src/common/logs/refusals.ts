import type { DomainError } from '../errors.js';
import type { Refused, SecurityLog } from './security-log.js';

const OF_TOKENS = new Set(['token_invalid', 'token_expired', 'session_revoked']);
const OF_LIMITS = new Set(['rate_limited', 'too_many_sockets']);

/** Logs what was refused at the edge, by any service, and concerns a security officer. Services log the rest. */
export function logRefusal(security: SecurityLog, { code }: DomainError, who: Refused): void {
  if (OF_TOKENS.has(code)) security.log('token_refused', { code, ...who });
  else if (OF_LIMITS.has(code)) security.log('limit_reached', who);
  else if (code === 'origin_refused') security.log('origin_refused', who);
}
