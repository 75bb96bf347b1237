import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DomainError, httpErrorBody } from '../../common/errors.js';
import { bodyIsNotUtf8, bytesBegun, refusalOfEncoding } from '../../common/http/utf8.js';
import type { Connection } from './engine-io.js';
import type { ParleyServer } from '../events.js';
import { tooMuch } from './incoming.js';
import { trafficOf } from './traffic.js';

interface Ending extends Connection {
  close(discard: boolean): void;
}

/**
 * What clients send by polling is UTF-8 or refused, as `ws` refuses it in a WebSocket's frames: Engine.IO would store U+FFFD where it
 * is not. The session ends with the refusal, since it cannot be said which of its packets is missing. What is of no use is not even
 * read: more of one who has sent too much, and what is for a session that has ended.
 */
export function refuseBadBodies(server: ParleyServer): void {
  const { engine } = server;
  const { clients } = engine as unknown as { clients: Record<string, Ending | undefined> };
  const handle = engine.handleRequest.bind(engine);
  engine.handleRequest = (request, response): void => {
    if (request.method === 'POST') {
      const sid = new URL(request.url!, 'http://localhost').searchParams.get('sid') ?? '';
      // An object: it has `constructor`, too.
      const client = Object.hasOwn(clients, sid) ? clients[sid] : undefined;
      const refusal = refusalOfEncoding(request.headers);
      const refuseAndEnd = (error: DomainError): void => {
        refuse(request, response, error);
        client?.close(true);
      };
      if (client && trafficOf(client)?.isSpent) return refuse(request, response, tooMuch());
      if (refusal) return refuseAndEnd(refusal);
      // Engine.IO says that there is no such session.
      if (!client) response.setHeader('connection', 'close');
      else checkAsItComes(request, refuseAndEnd);
    }
    handle(request, response);
  };
}

/** Before Engine.IO sees the bytes, and makes text of them. */
function checkAsItComes(request: IncomingMessage, refuseAndEnd: (error: DomainError) => void): void {
  const push = request.push.bind(request);
  /** A character that goes on in the next piece. */
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

function refuse(request: IncomingMessage, response: ServerResponse, refusal: DomainError): void {
  // Engine.IO has answered already, that it is too much, say.
  if (response.headersSent) {
    request.destroy();
    return;
  }
  const body = JSON.stringify(httpErrorBody(refusal));
  const { retry_after: retryAfter } = refusal.details;
  response.writeHead(refusal.status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  });
  response.end(body, () => request.destroy());
}
