import { createRequire } from 'node:module';
import { Adapter } from 'socket.io-adapter';
import { WebSocket } from 'ws';

/** What `gathered-writes.ts` relies on, of an Engine.IO socket. */
interface EngineSocket {
  prototype: { sendPacket?(type: string, data: string): void; flush?(): void };
}

interface EncodingAdapter {
  _encode(packet: object, options: object): unknown;
}

/** Engine.IO's own class, of the version that Socket.IO uses. */
function engineSocket(): EngineSocket {
  const fromHere = createRequire(import.meta.url);
  const { Socket } = createRequire(fromHere.resolve('socket.io'))('engine.io') as { Socket: EngineSocket };
  return Socket;
}

/**
 * Which of the parts that writes are gathered by are not as they were: none with the versions that were tested. They belong to
 * Engine.IO, `ws` and Socket.IO's adapter, are described nowhere, and may go with any of their releases.
 */
export function missingInternals(
  Engine: EngineSocket = engineSocket(),
  SocketAdapter: { prototype: object } = Adapter,
  WebSocketClass: new (address: null, protocols: undefined, options: object) => object = WebSocket,
): string[] {
  const parts: Record<string, () => boolean> = {
    'a packet is flushed by `flush`, which may be replaced': () => {
      let flushed = 0;
      const socket = fake(Engine, { flush: () => flushed++ });
      socket.sendPacket!('message', 'x');
      return flushed === 1 && socket.writeBuffer.length === 1;
    },
    '`flush` hands `writeBuffer` to the transport': () => {
      const sent: unknown[][] = [];
      const transport = { writable: true, send: (packets: unknown[]) => sent.push(packets) };
      const socket = fake(Engine, { transport, server: { emit: () => undefined }, writeBuffer: [1, 2] });
      Engine.prototype.flush!.call(socket);
      return sent[0]?.length === 2 && socket.writeBuffer.length === 0;
    },
    'a WebSocket has `_socket`': () => '_socket' in new WebSocketClass(null, undefined, {}),
    'an adapter encodes by `_encode`, into `wsPreEncodedFrame`': () => {
      const options: { wsPreEncodedFrame?: unknown } = {};
      const adapter = Object.assign(Object.create(SocketAdapter.prototype) as EncodingAdapter, {
        encoder: { encode: () => ['2["x"]'] },
      });
      adapter._encode({ type: 2, nsp: '/', data: ['x'] }, options);
      const frames = options.wsPreEncodedFrame;
      return Array.isArray(frames) && frames.every((frame) => Buffer.isBuffer(frame));
    },
  };
  return Object.entries(parts)
    .filter(([, question]) => !isSo(question))
    .map(([part]) => part);
}

function isSo(question: () => boolean): boolean {
  try {
    return question();
  } catch {
    return false;
  }
}

function fake(Engine: EngineSocket, given: object): EngineSocket['prototype'] & { writeBuffer: unknown[] } {
  const fields = {
    _readyState: 'open',
    writeBuffer: [],
    packetsFn: [],
    sentCallbackFn: [],
    emit: () => true,
    ...given,
  };
  return Object.assign(Object.create(Engine.prototype) as never, fields);
}
