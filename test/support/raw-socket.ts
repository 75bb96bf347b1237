import { WebSocket } from 'ws';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import type { ServerEvents } from '../../src/sockets/events.js';
import type { TestApp } from './app.js';
import { type ChatSocket, type Person, sendTo, type Target } from './client.js';

/** An Engine.IO client in a few lines, for tests that need thousands: it connects, answers pings, and counts what it gets. */
export class RawSocket {
  /** Every event, with the moment at which it came. */
  readonly events: { name: string; payload: unknown; at: number }[] = [];
  private connected!: () => void;
  readonly ready = new Promise<void>((resolve, reject) => {
    this.connected = resolve;
    this.failed = reject;
  });
  private failed!: (error: Error) => void;
  private readonly socket: WebSocket;

  constructor({ url }: Target, token: string) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/socket/?EIO=4&transport=websocket`, {
      perMessageDeflate: false,
    });
    this.socket.on('error', (error) => this.failed(error));
    this.socket.on('message', (data: Buffer) => this.read(data.toString(), token));
  }

  /** What came of one event. */
  got<Name extends keyof ServerEvents>(name: Name): { payload: Parameters<ServerEvents[Name]>[0]; at: number }[] {
    return this.events.filter((event) => event.name === name) as {
      payload: Parameters<ServerEvents[Name]>[0];
      at: number;
    }[];
  }

  /** Sends an event without asking for an acknowledgement. */
  emit(name: string, payload: unknown): void {
    this.socket.send(`42${JSON.stringify([name, payload])}`);
  }

  /** Stops reading, as a phone in a tunnel does; the server's packets pile up. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Closes as a browser does with a page: by a frame, without a packet. */
  goodbye(): void {
    this.socket.close();
  }

  /** Gone without a word. */
  drop(): void {
    this.socket.terminate();
  }

  private read(text: string, token: string): void {
    if (text.startsWith('0')) this.socket.send(`40${JSON.stringify({ token })}`);
    else if (text === '2') this.socket.send('3');
    else if (text.startsWith('40')) this.connected();
    else if (text.startsWith('44')) this.failed(new Error(text));
    else if (text.startsWith('42')) {
      const [name, payload] = JSON.parse(text.slice(2)) as [string, unknown];
      this.events.push({ name, payload, at: Date.now() });
    }
  }
}

/**
 * Has a socket of `reader` stop reading, and writes to them until the kernel takes no more and some packets wait in the server: enough
 * for it to be behind, too few for it to be dropped.
 */
export async function fallBehind(app: TestApp, reader: Person, writer: ChatSocket): Promise<RawSocket> {
  let waiting = (): number => 0;
  app.get(DomainEvents).on('socketBound', ({ socket, userId }) => {
    const { conn } = socket as unknown as { conn: { writeBuffer: unknown[] } };
    if (userId === reader.id) waiting = () => conn.writeBuffer.length;
  });
  const slow = new RawSocket(app, reader.token);
  await slow.ready;
  slow.pause();
  const text = 'x'.repeat(4_000);
  while (waiting() < 40) await Promise.all(Array.from({ length: 10 }, () => sendTo(writer, reader.id, text)));
  return slow;
}
