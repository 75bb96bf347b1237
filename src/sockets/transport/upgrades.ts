import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/*
 * Node answers no request that has an `Upgrade` header, as soon as somebody listens for upgrades: curl and Java's client send one for
 * HTTP/2 with each request. A server may ignore the header (RFC 9110, section 7.8), and everything but a WebSocket for Socket.IO is
 * answered as if it were not there.
 */

type Upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

/** Why something is refused: with which status, and in which words. */
export interface Refusal {
  status: number;
  message: string;
}

/** What the types do not show yet. */
interface AskingServer extends Server {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

/** What asks for the other protocol, and must not be seen again. */
const DROPPED = new Set(['upgrade', 'http2-settings']);

/**
 * Leaves WebSockets to whoever listens for upgrades by now, unless `refusalOf` says why one is refused; what asks for anything else
 * is a request like every other.
 */
export function upgradeOnlyWebSockets(
  server: Server,
  refusalOf: (request: IncomingMessage) => Refusal | undefined,
): void {
  const listeners = server.listeners('upgrade') as Upgrade[];
  // Nobody upgrades anything, and Node itself ignores the header.
  if (listeners.length === 0) return;
  server.removeAllListeners('upgrade');
  // Node from 24.9 on asks by itself (and drops what is pipelined behind an upgrade that is ignored), and newer ones hand over no plain
  // socket; those before go on below.
  (server as AskingServer).shouldUpgradeCallback = isWebSocket;
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (!isWebSocket(request)) return answerPlainly(server, request, stream, head);
    const refusal = refusalOf(request);
    if (refusal) return refuse(stream, refusal);
    for (const listener of listeners) listener.call(server, request, stream, head);
  });
}

/** Engine.IO would answer 400, or nothing for a second. */
function refuse(stream: Duplex, { status, message }: Refusal): void {
  stream.on('error', () => stream.destroy());
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  );
}

/** Reads the request once more, without what asks for an upgrade: its body, and what follows it, are read as ever. */
function answerPlainly(server: Server, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  // Sent behind another request without waiting for its answer: the two answers would get mixed up.
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
