import type { Config } from '../../config/config.js';
import { isLoopbackName } from '../../config/loopback.js';
import { DomainError } from '../errors.js';

/** Whether a page of this origin may call the server. Clients that are no browser send none, and pass. */
export function isOriginAllowed(config: Config, origin: string | undefined): boolean {
  if (origin === undefined) return true;
  const own = new URL(config.publicUrl);
  if (origin === own.origin || config.corsOrigins.includes(origin)) return true;
  // Nobody told us our name: every name of this machine is as good as `localhost`.
  if (config.publicUrlGiven || !isLoopbackName(own.hostname) || !URL.canParse(origin)) return false;
  const { protocol, hostname, port } = new URL(origin);
  return protocol === own.protocol && port === own.port && isLoopbackName(hostname);
}

/** The refusal, naming the variable that lifts it. */
export const originRefused = (origin: string): DomainError =>
  new DomainError(
    'forbidden',
    'origin_refused',
    `Pages of ${origin.slice(0, 100)} may not call this server. Its operator can allow them with CORS_ORIGINS, or PUBLIC_URL is wrong.`,
  );
