import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What proxies make: UUIDs, hex, addresses with ports. Nothing that could look like something else in a line of the log. */
const FORM = /^[\w.:/+=@~-]{1,64}$/;

/** Different in each process. With a number it is unique, and takes no random bytes for each request. */
const PROCESS = randomBytes(6).toString('hex');
let count = 0;

/** The id of a request in logs: the one that a proxy or a client gave in `X-Request-Id`, or a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  if (typeof given === 'string' && FORM.test(given)) return given;
  return `${PROCESS}-${(++count).toString(36)}`;
}
