import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { Socket } from 'socket.io';
import { Adapter } from 'socket.io-adapter';
import { WebSocket } from 'ws';
import { assertUnchanged, changedIn, type Internals, versionOf } from '../../common/library-internals.js';
import { type Connection, encoderOf, type Engine, hasSocket, type Transport } from './engine-io.js';

const require = createRequire(import.meta.url);
const requireBesideSocketIo = createRequire(require.resolve('socket.io'));

/** Classes of these libraries whose internals are checked here. */
interface Classes {
  /** Of Engine.IO. */
  Server: new () => Engine;
  Connection: new (id: string, server: Engine, transport: Transport, request: object, protocol: 4) => Connection;
  /** Of Socket.IO. */
  Client: { prototype: object };
  Socket: { prototype: object };
  Adapter: { prototype: object };
  WebSocket: new (address: null, protocols: undefined, options: object) => object;
}

function classes(): Classes {
  const { Server, Socket: Connection } = requireBesideSocketIo('engine.io') as {
    Server: Classes['Server'];
    Socket: Classes['Connection'];
  };
  const { Client } = requireBesideSocketIo('./client.js') as Pick<Classes, 'Client'>;
  return { Server, Connection, Client, Socket, Adapter, WebSocket };
}

interface Connected {
  engine: Engine;
  request: object;
  webSocket: EventEmitter;
  transport: Transport;
  connection: Connection;
}

/** Checks a connection that Engine.IO has made of a WebSocket without a peer. */
function whenConnected({ Server, Connection }: Classes, question: (connected: Connected) => boolean): boolean {
  const engine = new Server();
  const webSocket = Object.assign(new EventEmitter(), { send: () => undefined, close: () => undefined });
  const request = { _query: { EIO: '4' }, websocket: webSocket, connection: {} };
  const transport = engine.createTransport('websocket', request as unknown as IncomingMessage);
  const connection = new Connection('id', engine, transport, request, 4);
  try {
    return question({ engine, request, webSocket, transport, connection });
  } finally {
    connection.close(true);
  }
}

/** What must be true of Engine.IO. */
export const engineInternals = (known = classes()): Internals => ({
  'a server has its `clients`, and makes transports by `createTransport`': () =>
    whenConnected(
      known,
      ({ engine, transport }) => typeof engine.clients === 'object' && transport.name === 'websocket',
    ),
  'one listener hears the messages of a WebSocket, which its transport has as `socket`': () =>
    whenConnected(
      known,
      ({ webSocket, transport }) =>
        webSocket.listeners('message').length === 1 && (transport.socket as unknown) === webSocket,
    ),
  'it hands them to `onData`, texts as strings and the rest as bytes': () =>
    whenConnected(known, ({ webSocket, transport }) => {
      const read: unknown[] = [];
      transport.on('packet', (packet) => read.push(packet.data));
      webSocket.emit('message', Buffer.from('4a'), false);
      webSocket.emit('message', Buffer.from('b'), true);
      transport.onData('4c');
      transport.onData(Buffer.from('d'));
      return read.map(String).join() === 'a,b,c,d' && read.filter((one) => Buffer.isBuffer(one)).length === 2;
    }),
  'a connection has its `request`, `transport` and `readyState`': () =>
    whenConnected(
      known,
      ({ connection, request, transport }) =>
        connection.request === request && connection.transport === transport && connection.readyState === 'open',
    ),
  'what waits for a client stands in `writeBuffer`, while its transport is not `writable`': () =>
    whenConnected(known, ({ connection, transport }) => {
      transport.writable = false;
      connection.write('x');
      connection.sendPacket('ping');
      return connection.writeBuffer.length === 2 && connection.writeBuffer[0]?.data === 'x';
    }),
});

/** What must be true of Socket.IO. */
export const socketIoInternals = ({ Client, Socket: SocketIo } = classes()): Internals => ({
  'a client has its `sockets`': () => {
    const socket = { id: 'id', nsp: {} };
    const sockets = new Map([[socket.id, socket]]);
    const client = Object.assign(Object.create(Client.prototype) as { _remove(one: object): void }, {
      sockets,
      nsps: new Map(),
    });
    client._remove(socket);
    return sockets.size === 0 && !hasSocket({ client } as never);
  },
  'a socket may be given another `handshake`': () =>
    'emit' in SocketIo.prototype && !('handshake' in SocketIo.prototype),
});

/** @throws StartError naming the library that has changed */
export function assertEngine(): void {
  assertUnchanged('engine.io', requireBesideSocketIo, engineInternals());
  assertUnchanged('socket.io', require, socketIoInternals());
}

/** By library, what must be true for writes to be gathered. */
const gatheringInternals = (known: Classes): Record<string, Internals> => ({
  'engine.io': {
    'a packet is flushed by `flush`, which may be replaced': () =>
      whenConnected(known, ({ connection }) => {
        let flushed = 0;
        connection.flush = () => flushed++;
        connection.sendPacket('ping');
        return flushed === 1 && connection.writeBuffer.length === 1;
      }),
    '`flush` of its class hands `writeBuffer` to the transport': () =>
      whenConnected(known, ({ connection, transport }) => {
        const sent: unknown[][] = [];
        Object.assign(transport, { writable: true, send: (packets: unknown[]) => sent.push(packets) });
        connection.writeBuffer.push({}, {});
        (Object.getPrototypeOf(connection) as Connection).flush.call(connection);
        return sent[0]?.length === 2 && connection.writeBuffer.length === 0;
      }),
  },
  ws: { 'a WebSocket has `_socket`': () => '_socket' in new known.WebSocket(null, undefined, {}) },
  'socket.io-adapter': {
    'an adapter encodes by `_encode`, into `wsPreEncodedFrame`': () => {
      const options: { wsPreEncodedFrame?: Buffer[] } = {};
      const encoder = { encode: () => ['2["x"]'] };
      const adapter = Object.assign(Object.create(known.Adapter.prototype) as Adapter, { encoder });
      encoderOf(adapter)._encode({ type: 2, nsp: '/', data: ['x'] }, options);
      const frames = options.wsPreEncodedFrame;
      return Array.isArray(frames) && frames.every((frame) => Buffer.isBuffer(frame));
    },
  },
});

/** What has changed of the internals that gathered writes need, with the versions. */
export const changedForGathering = (known = classes()): string[] =>
  Object.entries(gatheringInternals(known)).flatMap(([library, internals]) =>
    changedIn(internals).map((sentence) => `${sentence} (${library} ${versionOf(library, requireBesideSocketIo)})`),
  );
