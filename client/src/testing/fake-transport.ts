import { fromWire, ParleyError } from '../errors.js';
import type { Transport, TransportEvents, TransportFactory } from '../seams.js';
import type { Network } from './network.js';
import { Refusal } from './refusal.js';
import { receive } from './socket-events.js';
import type { Connection, Peer } from './sockets.js';

/** What an acknowledgement settles. */
interface Pending {
  readonly reject: (reason: ParleyError) => void;
  readonly endTimer: () => void;
}

/**
 * Both ends of one connection. A packet takes a turn of the event loop and no time; they stay in order. What is under way when the
 * connection breaks is lost.
 */
export class Line implements Transport, Peer {
  private readonly pending = new Set<Pending>();
  private connection: Connection | undefined;
  private isOpen = false;
  /** To the client, it is over. */
  private isOver = false;

  constructor(
    private readonly to: Parameters<TransportFactory>[0],
    private readonly events: TransportEvents,
    private readonly network: Network,
    /** It is over, and need not be kept. */
    private readonly onOver: (line: Line) => void,
  ) {
    network.pass(() => this.shakeHands());
  }

  /* ------------------------------------------------------------------------------------------------------ The client's end */

  emit(event: string, payload: unknown, timeout_ms: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.isOver || !this.isOpen) return reject(offline('There is no connection: not yet, or no more.'));
      const settle = (): void => {
        pending.endTimer();
        this.pending.delete(pending);
      };
      const pending: Pending = {
        reject,
        endTimer: this.network.clock.after(timeout_ms, () => {
          this.pending.delete(pending);
          reject(new ParleyError('timeout', `No answer within ${timeout_ms / 1_000} s.`));
        }),
      };
      this.pending.add(pending);
      const sent = copied(payload);
      const { connection } = this;
      this.network.pass(() => {
        const house = this.network.house();
        if (!connection || !house.sockets.has(connection)) return;
        receive(house, connection, event, sent, (answer) => {
          const copy = copied(answer);
          this.network.pass(() => {
            if (this.isOver || !this.pending.has(pending)) return;
            settle();
            resolve(copy);
          });
        });
      });
    });
  }

  /** With a goodbye; to the client's end alone, nothing comes any more. */
  close(): void {
    if (this.isOver) return;
    this.finish();
    this.network.pass(() => this.leave(true));
  }

  /* ------------------------------------------------------------------------------------------------------ The server's end */

  packet(name: string, payload: unknown): void {
    const copy = copied(payload);
    this.network.pass(() => {
      if (!this.isOver) this.events.event(name, copy);
    });
  }

  /** The server hangs up, behind what it has sent. */
  hangUp(): void {
    this.network.pass(() => this.over(offline('There is no connection: the server has closed it.')));
  }

  cut(): void {
    const reason = offline('There is no connection: it broke.');
    if (this.isOver) return;
    this.finish();
    this.network.pass(() => this.events.closed(reason));
  }

  /** The network breaks, without a word to either end. */
  lose(): void {
    this.leave(false);
    this.cut();
  }

  private shakeHands(): void {
    if (this.isOver) return;
    if (!this.network.isUp()) return this.over(offline('The server cannot be reached.'));
    this.network.house().handshakes.open(this.to.token, this, (opened) => {
      if (opened instanceof Refusal) return this.over(fromWire(copied(opened.body())));
      this.connection = opened;
      this.network.pass(() => {
        if (this.isOver) return;
        this.isOpen = true;
        this.events.open(this.to.transports.includes('websocket') ? 'websocket' : 'polling');
      });
      // Closed by its client in the middle of the handshake.
      if (this.isOver) this.leave(true);
    });
  }

  private leave(hasSaidGoodbye: boolean): void {
    if (this.connection) this.network.house().handshakes.disconnected(this.connection, hasSaidGoodbye);
  }

  private over(reason: ParleyError): void {
    if (this.isOver) return;
    this.finish();
    this.events.closed(reason);
  }

  private finish(): void {
    this.isOver = true;
    this.onOver(this);
    for (const { endTimer, reject } of this.pending) {
      endTimer();
      reject(offline('There is no connection: it broke.'));
    }
    this.pending.clear();
  }
}

const offline = (sentence: string): ParleyError => new ParleyError('offline', sentence);

/** As JSON carries it: what one end changes later, the other does not see. */
const copied = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
