import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DomainError, httpErrorBody } from '../common/errors.js';
import { bodyIsNotUtf8, refusalOfEncoding } from '../common/utf8.js';
import type { ParleyServer } from './events.js';

/**
 * What clients send by polling is UTF-8 or refused, as `ws` refuses it in a WebSocket's frames: Engine.IO would store U+FFFD where it
 * is not. The session ends with the refusal, since it cannot be said which of its packets is missing.
 */
export function refuseOtherThanUtf8(server: ParleyServer): void {
  const { engine } = server;
  const { clients } = engine as unknown as { clients: Record<string, { close(discard: boolean): void } | undefined> };
  const handle = engine.handleRequest.bind(engine);
  engine.handleRequest = (request, response): void => {
    if (request.method === 'POST') {
      const refusal = refusalOfEncoding(request.headers);
      const refuseAndEnd = (error: DomainError): void => {
        refuse(request, response, error);
        const sid = new URL(request.url!, 'http://localhost').searchParams.get('sid') ?? '';
        // An object: it has `constructor`, too.
        if (Object.hasOwn(clients, sid)) clients[sid]?.close(true);
      };
      if (refusal) return refuseAndEnd(refusal);
      checkAsItComes(request, refuseAndEnd);
    }
    handle(request, response);
  };
}

/** Before Engine.IO sees the bytes, and makes text of them. */
function checkAsItComes(request: IncomingMessage, refuseAndEnd: (error: DomainError) => void): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const push = request.push.bind(request);
  let isRefused = false;
  request.push = (chunk: Buffer | null): boolean => {
    if (isRefused) return false;
    try {
      decoder.decode(chunk ?? undefined, { stream: chunk !== null });
    } catch {
      isRefused = true;
      refuseAndEnd(bodyIsNotUtf8());
      return false;
    }
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
  response.writeHead(refusal.status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body, () => request.destroy());
}
