import { Logger } from '@nestjs/common';
import { Adapter } from 'socket.io-adapter';
import { changedForGathering } from './engine-internals.js';
import { type Connection, encoderOf, engineOf } from './engine-io.js';
import type { ParleyServer } from '../events.js';

/*
 * Several packets often go to one socket at once: to a sender the acknowledgement and the message, to a busy group hundreds of messages.
 * Engine.IO writes each packet by itself, which takes most of the time. Here, all packets to one socket in one turn of the event loop are one
 * write.
 */

const logger = new Logger('Socket');

/** Connections with packets to be written at the end of this turn. */
const due = new Set<Connection>();

function flushDue(): void {
  const connections = [...due];
  due.clear();
  for (const connection of connections) {
    try {
      flushTogether(connection);
    } catch (error) {
      // The other connections must be flushed all the same.
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

/** Replaces Engine.IO's own `flush`; one function for all connections. */
function flushThisTurn(this: Connection): void {
  // A connection that closes in the middle of its upgrade closes right after this line: its last packets would be lost.
  if (this.readyState !== 'open') {
    flushNow(this);
    return;
  }
  // After the current callback and the promises that it settles, so that a batch of messages is one write.
  if (due.size === 0) process.nextTick(flushDue);
  due.add(this);
}

/** Before the first connection. */
function gatherWrites(server: ParleyServer): void {
  engineOf(server).on('connection', (connection) => {
    connection.flush = flushThisTurn;
  });
}

/** Socket.IO's own adapter; a packet to many sockets is one buffer, so that it is one plain write to each. */
class OnePieceAdapter extends Adapter {
  constructor(namespace: ConstructorParameters<typeof Adapter>[0]) {
    super(namespace);
    encoderOf(this)._encode = (packet, options) => {
      const encoded = encoderOf(Adapter.prototype)._encode.call(this, packet, options);
      if (options.wsPreEncodedFrame) options.wsPreEncodedFrame = [Buffer.concat(options.wsPreEncodedFrame)];
      return encoded;
    };
  }
}

/** How packets are written: gathered, or, where Engine.IO has changed, one by one as it does by itself, with a warning in the log. */
export function waysToWrite(): { adapter: typeof Adapter; attach: (server: ParleyServer) => void } {
  const changed = changedForGathering();
  if (changed.length === 0) return { adapter: OnePieceAdapter, attach: gatherWrites };
  logger.warn(
    `Packets are written one by one, which is slower: Engine.IO or Socket.IO has changed, and this is true no longer: ${changed.join('; ')}. Run \`npm ci\`, which installs the versions that were tested.`,
  );
  return { adapter: Adapter, attach: () => undefined };
}
