import { Logger } from '@nestjs/common';
import { Adapter } from 'socket.io-adapter';
import { missingInternals } from './engine-internals.js';
import type { ParleyServer } from '../events.js';

/*
 * A message leaves as several packets: to the sender an acknowledgement and the message, to a busy group hundreds of messages at
 * once. Engine.IO hands each to the kernel by itself, which is where most of the time goes. Here, what one socket gets in one turn
 * of the event loop leaves in one write.
 */

const logger = new Logger('Socket');

/** What Engine.IO does not show in its types. Polling has no stream of its own. */
interface Connection {
  readyState: string;
  writeBuffer: unknown[];
  transport: { socket?: { _socket?: { cork(): void; uncork(): void } | null } };
  flush(): void;
}

/** Connections that have something to be written, when this turn is over. */
const due = new Set<Connection>();

function flushDue(): void {
  const connections = [...due];
  due.clear();
  for (const connection of connections) {
    try {
      flushTogether(connection);
    } catch (error) {
      // The others have nothing to do with it.
      logger.error(error);
    }
  }
}

function flushTogether(connection: Connection): void {
  const stream = connection.writeBuffer.length > 1 ? connection.transport.socket?._socket : undefined;
  stream?.cork();
  try {
    flushNow(connection);
  } finally {
    stream?.uncork();
  }
}

/** Engine.IO's own. */
function flushNow(connection: Connection): void {
  (Object.getPrototypeOf(connection) as Connection).flush.call(connection);
}

/** Takes the place of Engine.IO's own; one function for all connections. */
function flushThisTurn(this: Connection): void {
  // One that closes in the middle of its upgrade closes right behind this line, and what it was told last would be lost.
  if (this.readyState !== 'open') {
    flushNow(this);
    return;
  }
  // After the callback that runs now and the promises that it settles: a batch of messages is told in one go.
  if (due.size === 0) process.nextTick(flushDue);
  due.add(this);
}

/** Before the first connection. */
function gatherWrites(server: ParleyServer): void {
  server.engine.on('connection', (connection: Connection) => {
    connection.flush = flushThisTurn;
  });
}

/** The frame of a WebSocket that goes to many, made once: its head and its body. */
interface Encoder {
  _encode(packet: unknown, options: { wsPreEncodedFrame?: Buffer[] }): unknown;
}

/** Socket.IO's own adapter; what goes to many is one piece, so that it is one plain write to each. */
class OnePieceAdapter extends Adapter {
  constructor(namespace: ConstructorParameters<typeof Adapter>[0]) {
    super(namespace);
    (this as unknown as Encoder)._encode = (packet, options) => {
      const encoded = (Adapter.prototype as unknown as Encoder)._encode.call(this, packet, options);
      if (options.wsPreEncodedFrame) options.wsPreEncodedFrame = [Buffer.concat(options.wsPreEncodedFrame)];
      return encoded;
    };
  }
}

/** How to write: gathered, or, where Engine.IO has changed, as it does by itself, with a line about it in the log. */
export function waysToWrite(): { adapter: typeof Adapter; attach: (server: ParleyServer) => void } {
  const missing = missingInternals();
  if (missing.length === 0) return { adapter: OnePieceAdapter, attach: gatherWrites };
  logger.warn(`Each packet is written by itself, since this is no more so in Engine.IO: ${missing.join('; ')}.`);
  return { adapter: Adapter, attach: () => undefined };
}
