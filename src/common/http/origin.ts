import type { Config } from '../../config/config.js';
import { isLoopbackName } from '../../config/loopback.js';
import { DomainError } from '../errors.js';

/** Whether a page of this origin may call the server. Clients other than browsers send no origin, and pass. */
export function isOriginAllowed(config: Config, origin: string | undefined): boolean {
  if (origin === undefined) return true;
  const own = new URL(config.publicUrl);
  if (origin === own.origin || config.corsOrigins.includes(origin)) return true;
  if (config.appUrl !== undefined && origin === new URL(config.appUrl).origin) return true;
  // PUBLIC_URL is not set: all names of this machine count like `localhost`.
  if (config.publicUrlGiven || !isLoopbackName(own.hostname) || !URL.canParse(origin)) return false;
  const { protocol, hostname, port } = new URL(origin);
  return protocol === own.protocol && port === own.port && isLoopbackName(hostname);
}

/** Headers of an answer that a page may read. */
export const EXPOSED_HEADERS = ['link', 'retry-after', 'x-request-id'];

/** Headers with which the page that asked may read an answer, for answers that bypass the plugin which sets them otherwise. */
export const headersForPage = (config: Config, origin: string | undefined): Record<string, string> =>
  origin !== undefined && isOriginAllowed(config, origin)
    ? {
        vary: 'Origin',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': EXPOSED_HEADERS.join(', '),
      }
    : {};

/** The refusal, naming the variable that lifts it. */
export const originRefused = (origin: string): DomainError =>
  new DomainError(
    'forbidden',
    'origin_refused',
    `Pages of ${origin.slice(0, 100)} may not call this server. Its operator can allow them with CORS_ORIGINS, or PUBLIC_URL is wrong.`,
  );
