// A Socket.IO client by hand: it looks at as few bytes as it can, so that the generator is not the bottleneck.
import { randomBytes } from 'node:crypto';
import { get } from 'node:http';
import type { Duplex } from 'node:stream';
import { frameOf, FrameReader } from './light-frames.js';

const [OPEN, PING, MESSAGE] = [0x30, 0x32, 0x34];
const [CONNECT, EVENT, ACK, CONNECT_ERROR] = [0x30, 0x32, 0x33, 0x34];
const BRACKET = 0x5b;

/** One connection. Packets are Engine.IO 4 frames: `42["message",{…}]` is an event, `43<id>[…]` its acknowledgement. */
export class LightSocket {
  /** Called with each event, not parsed. */
  onEvent: (packet: Buffer) => void = () => {};
  /** Resolves with nothing when the connection is gone. */
  readonly closed: Promise<undefined>;
  private readonly waiting = new Map<number, (packet: Buffer) => void>();
  private lastId = 0;

  private constructor(private readonly stream: Duplex) {
    this.closed = new Promise((resolve) => stream.once('close', () => resolve(undefined)));
  }

  /** Resolves once the server has accepted the token. */
  static open(port: number, token: string): Promise<LightSocket> {
    return new Promise((resolve, reject) => {
      const request = get({
        host: '127.0.0.1',
        port,
        path: '/socket/?EIO=4&transport=websocket',
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': randomBytes(16).toString('base64'),
        },
      });
      request.on('error', reject);
      request.on('response', ({ statusCode }) => reject(new Error(`no WebSocket: ${statusCode}`)));
      request.on('upgrade', (_response, stream: Duplex & { setNoDelay(): void }, head) => {
        stream.setNoDelay();
        const socket = new LightSocket(stream);
        const heard = (packet: Buffer): void => {
          if (packet[0] === OPEN) socket.write(`40${JSON.stringify({ token })}`);
          else if (packet[0] === PING) socket.write('3');
          else if (packet[0] !== MESSAGE) return;
          else if (packet[1] === EVENT) socket.onEvent(packet);
          else if (packet[1] === ACK) socket.acknowledged(packet);
          else if (packet[1] === CONNECT) resolve(socket);
          else if (packet[1] === CONNECT_ERROR) reject(new Error(packet.toString()));
        };
        const reader = new FrameReader(heard, () => socket.close());
        stream.on('data', (chunk: Buffer) => reader.read(chunk));
        stream.on('error', reject);
        stream.on('close', () => reject(new Error('closed before it was connected')));
        if (head.length > 0) reader.read(head);
      });
    });
  }

  /** Sends `message` and calls back with the acknowledgement, not parsed. `json` is the payload. */
  send(json: string, acknowledged: (packet: Buffer) => void): void {
    const id = this.lastId++;
    this.waiting.set(id, acknowledged);
    this.write(`42${id}["message",${json}]`);
  }

  /** The same, for once: throws where it is refused. */
  async ask(json: string): Promise<unknown> {
    const packet = await new Promise<Buffer>((resolve) => this.send(json, resolve));
    assertAccepted(packet);
    return JSON.parse(packet.subarray(packet.indexOf(BRACKET)).toString());
  }

  /** Sends without asking for an acknowledgement. */
  tell(json: string): void {
    this.write(`42["message",${json}]`);
  }

  close(): void {
    this.stream.destroy();
  }

  private write(packet: string): void {
    if (this.stream.writable) this.stream.write(frameOf(packet));
  }

  private acknowledged(packet: Buffer): void {
    let id = 0;
    for (let i = 2; packet[i] !== BRACKET; i++) id = id * 10 + packet[i] - 0x30;
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    waiting?.(packet);
  }
}

/** `{"ok":true` is how each acknowledgement of what was taken begins. */
export const isAccepted = (packet: Buffer): boolean => packet.includes('"ok":true');

/** A refusal would make every figure worthless. */
export function assertAccepted(packet: Buffer): void {
  if (!isAccepted(packet)) throw new Error(`refused: ${packet.toString()}`);
}
