import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DomainError, httpErrorBody } from '../../common/errors.js';
import { bodyIsNotUtf8, bytesBegun, refusalOfEncoding } from '../../common/http/utf8.js';
import { engineOf } from './engine-io.js';
import type { ParleyServer } from '../events.js';
import { tooMuch } from './incoming.js';
import { trafficOf } from './traffic.js';

/**
 * Refuses bodies of polling requests that are not UTF-8, as `ws` does with WebSocket frames: Engine.IO would put U+FFFD into the text. The
 * Engine.IO session ends with the refusal, since it is not known which of its packets is missing. Bodies of connections that have sent too
 * much, and of sessions that have ended, are not read at all.
 * @param headersFor the headers with which a page may read the refusal: Engine.IO would set them later
 */
export function refuseBadBodies(
  server: ParleyServer,
  headersFor: (request: IncomingMessage) => Record<string, string>,
): void {
  const { engine } = server;
  const { clients } = engineOf(server);
  const handle = engine.handleRequest.bind(engine);
  engine.handleRequest = (request, response): void => {
    if (request.method === 'POST') {
      const sid = new URL(request.url!, 'http://localhost').searchParams.get('sid') ?? '';
      // `clients` is an object, which has `constructor`, too.
      const client = Object.hasOwn(clients, sid) ? clients[sid] : undefined;
      const refusal = refusalOfEncoding(request.headers);
      const refuseAndEnd = (error: DomainError): void => {
        refuse(request, response, error, headersFor(request));
        client?.close(true);
      };
      if (client && trafficOf(client)?.isSpent) return refuse(request, response, tooMuch(), headersFor(request));
      if (refusal) return refuseAndEnd(refusal);
      // Engine.IO answers that there is no such session.
      if (!client) response.setHeader('connection', 'close');
      else checkAsItComes(request, refuseAndEnd);
    }
    handle(request, response);
  };
}

/** Checks the bytes before Engine.IO makes a text of them. */
function checkAsItComes(request: IncomingMessage, refuseAndEnd: (error: DomainError) => void): void {
  const push = request.push.bind(request);
  /** Bytes of a character that goes on in the next chunk. */
  let begun: Buffer = Buffer.alloc(0);
  let isRefused = false;
  request.push = (chunk: Buffer | null): boolean => {
    if (isRefused) return false;
    const bytes = chunk && begun.length > 0 ? Buffer.concat([begun, chunk]) : (chunk ?? begun);
    const whole = chunk ? bytes.length - bytesBegun(bytes) : bytes.length;
    if (!isUtf8(bytes.subarray(0, whole))) {
      isRefused = true;
      refuseAndEnd(bodyIsNotUtf8());
      return false;
    }
    begun = bytes.subarray(whole);
    return push(chunk);
  };
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: DomainError,
  headers: Record<string, string>,
): void {
  // Engine.IO has answered already, with a refusal for its size, say.
  if (response.headersSent) {
    request.destroy();
    return;
  }
  const body = JSON.stringify(httpErrorBody(refusal));
  const { retry_after: retryAfter } = refusal.details;
  response.writeHead(refusal.status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  });
  response.end(body, () => request.destroy());
}
