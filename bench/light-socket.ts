// A Socket.IO client by hand, over plain `ws`: it looks at as few bytes as it can, so that the generator is not the bottleneck.
import { WebSocket } from 'ws';

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

  private constructor(private readonly ws: WebSocket) {
    this.closed = new Promise((resolve) => ws.once('close', () => resolve(undefined)));
  }

  /** Resolves once the server has accepted the token. */
  static open(port: number, token: string): Promise<LightSocket> {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/socket/?EIO=4&transport=websocket`, {
        perMessageDeflate: false,
        skipUTF8Validation: true,
      });
      const socket = new LightSocket(ws);
      ws.on('error', reject);
      ws.on('close', (code) => reject(new Error(`closed before it was connected: ${code}`)));
      ws.on('message', (packet: Buffer) => {
        if (packet[0] === OPEN) ws.send(`40${JSON.stringify({ token })}`);
        else if (packet[0] === PING) ws.send('3');
        else if (packet[0] !== MESSAGE) return;
        else if (packet[1] === EVENT) socket.onEvent(packet);
        else if (packet[1] === ACK) socket.acknowledged(packet);
        else if (packet[1] === CONNECT) resolve(socket);
        else if (packet[1] === CONNECT_ERROR) reject(new Error(packet.toString()));
      });
    });
  }

  /** Sends `message` and calls back with the acknowledgement, not parsed. `json` is the payload. */
  send(json: string, acknowledged: (packet: Buffer) => void): void {
    const id = this.lastId++;
    this.waiting.set(id, acknowledged);
    this.ws.send(`42${id}["message",${json}]`);
  }

  /** The same, for once: throws where it is refused. */
  async ask(json: string): Promise<unknown> {
    const packet = await new Promise<Buffer>((resolve) => this.send(json, resolve));
    assertAccepted(packet);
    return JSON.parse(packet.subarray(packet.indexOf(BRACKET)).toString());
  }

  /** Sends without asking for an acknowledgement. */
  tell(json: string): void {
    this.ws.send(`42["message",${json}]`);
  }

  close(): void {
    this.ws.terminate();
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
