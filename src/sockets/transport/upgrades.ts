import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/*
 * Once there is a listener for upgrades, Node answers no request that has an `Upgrade` header: curl and Java's client send one for HTTP/2 with
 * each request. A server may ignore the header (RFC 9110, section 7.8): here, every request but a WebSocket for Socket.IO is answered as
 * without it.
 */

type Upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

/** Why a request is refused: the status and the sentence. */
export interface Refusal {
  status: number;
  message: string;
  /** In seconds. */
  retryAfter?: number;
}

/** Missing in the types yet. */
interface AskingServer extends Server {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

/** Headers that ask for another protocol, and must not be read again. */
const DROPPED = new Set(['upgrade', 'http2-settings']);

/**
 * Leaves WebSockets to the present listeners for upgrades, unless `refusalOf` refuses one; requests for other protocols are handled like
 * every other request.
 */
export function upgradeOnlyWebSockets(
  server: Server,
  refusalOf: (request: IncomingMessage) => Refusal | undefined,
): void {
  const listeners = server.listeners('upgrade') as Upgrade[];
  // Without listeners, Node itself ignores the header.
  if (listeners.length === 0) return;
  server.removeAllListeners('upgrade');
  // Node from 24.9 on has an option for it (and drops requests that are pipelined behind an ignored upgrade), and newer ones hand over no
  // plain socket; older ones need the code below.
  (server as AskingServer).shouldUpgradeCallback = isWebSocket;
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (!isWebSocket(request)) return answerPlainly(server, request, stream, head);
    const refusal = refusalOf(request);
    if (refusal) return refuse(stream, refusal);
    for (const listener of listeners) listener.call(server, request, stream, head);
  });
}

/** Engine.IO would answer 400, or nothing for a second. */
function refuse(stream: Duplex, { status, message, retryAfter }: Refusal): void {
  stream.on('error', () => stream.destroy());
  const later = retryAfter === undefined ? '' : `Retry-After: ${retryAfter}\r\n`;
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${later}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  );
}

/** Reads the request once more, without the headers that ask for an upgrade: its body and the following requests are read as usual. */
function answerPlainly(server: Server, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  // Pipelined behind another request that is not answered yet: the answers would get mixed up.
  if ((stream as { _httpMessage?: unknown })._httpMessage) {
    stream.destroy();
    return;
  }
  stream.unshift(Buffer.concat([Buffer.from(headOf(request), 'latin1'), head]));
  server.emit('connection', stream);
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let lines = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]];
    const kind = name.toLowerCase();
    if (DROPPED.has(kind)) continue;
    const kept = kind === 'connection' ? withoutUpgrade(value) : value;
    if (kept !== '' || kind !== 'connection') lines += `${name}: ${kept}\r\n`;
  }
  return `${lines}\r\n`;
}

const withoutUpgrade = (connection: string): string =>
  connection
    .split(',')
    .map((one) => one.trim())
    .filter((one) => !DROPPED.has(one.toLowerCase()))
    .join(', ');
