import { type Clock, realClock } from '../clock.js';
import { ParleyError } from '../errors.js';
import type { Transport, TransportEvents, TransportFactory } from '../seams.js';
import { between, seeded, seedOf } from './random.js';

/** What goes wrong between a client and a server. Shares are probabilities, 0 to 1; each draws by itself. */
export interface Faults {
  /** The same faults for the same packets, in the same order. */
  readonly seed: number;
  /** Packets to the server, acknowledgements and events that never arrive. */
  readonly lose?: number;
  /** Packets to the server and events that arrive twice. */
  readonly double?: number;
  /** Events that arrive up to half a second late, behind others that came after them. */
  readonly reorder?: number;
  /** How long each takes, least and most. Those of one direction stay in order. */
  readonly delay_ms?: readonly [number, number];
  /** How long a connection lives, least and most. */
  readonly cut_every_ms?: readonly [number, number];
  /** Default: the real one. */
  readonly clock?: Clock;
}

const OVERTAKEN_MS: readonly [number, number] = [1, 500];

/**
 * Puts faults between a client and any server, a real one included. What `Transport` promises stays true: `closed` comes once and nothing
 * behind it, nothing at all comes behind `close`, and each `emit` is answered, or rejects by its time.
 */
export function faulty(inner: TransportFactory, faults: Faults): TransportFactory {
  let connections = 0;
  return (to, events) => new FaultyTransport(inner, to, events, faults, ++connections);
}

/** One direction: what goes in comes out in the same order, each after its time. */
class Way {
  private readonly queue: { readonly due: number; readonly run: () => void }[] = [];
  private endTimer: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  send(ms: number, run: () => void): void {
    if (ms <= 0 && this.queue.length === 0) return run();
    // One that would be there earlier than the one before it waits behind it.
    this.queue.push({ due: this.clock.now() + ms, run });
    this.endTimer ??= this.clock.after(ms, this.arrive);
  }

  stop(): void {
    this.endTimer?.();
    this.queue.length = 0;
  }

  private readonly arrive = (): void => {
    this.endTimer = undefined;
    for (let next = this.queue[0]; next && next.due <= this.clock.now(); next = this.queue[0]) {
      this.queue.shift();
      next.run();
    }
    const [next] = this.queue;
    if (next) this.endTimer ??= this.clock.after(next.due - this.clock.now(), this.arrive);
  };
}

class FaultyTransport implements Transport {
  private readonly clock: Clock;
  /** Each direction draws for itself: what one of them carries shifts nothing in the other. */
  private readonly drawOut: () => number;
  private readonly drawIn: () => number;
  private readonly out: Way;
  private readonly back: Way;
  private readonly timers = new Set<() => void>();
  private readonly pending = new Set<(reason: ParleyError) => void>();
  private readonly inner: Transport;
  private isOver = false;

  constructor(
    factory: TransportFactory,
    to: Parameters<TransportFactory>[0],
    private readonly events: TransportEvents,
    private readonly faults: Faults,
    number: number,
  ) {
    this.clock = faults.clock ?? realClock;
    this.drawOut = seeded(seedOf(faults.seed, number, 1));
    this.drawIn = seeded(seedOf(faults.seed, number, 2));
    this.out = new Way(this.clock);
    this.back = new Way(this.clock);
    this.inner = factory(to, {
      open: (transport) => this.arrives(() => this.opened(transport)),
      event: (name, payload) => this.happened(name, payload),
      closed: (reason) => this.arrives(() => this.over(reason)),
    });
  }

  emit(event: string, payload: unknown, timeout_ms: number): Promise<unknown> {
    const [isLost, isUnanswered, isDoubled] = [this.strikes('lose'), this.strikes('lose'), this.strikes('double')];
    const ms = this.delay(this.drawOut);
    return new Promise((resolve, reject) => {
      if (this.isOver) return reject(broken());
      const fail = (reason: unknown): void => {
        settled();
        reject(reason);
      };
      const endTimer = this.clock.after(timeout_ms, () =>
        fail(new ParleyError('timeout', `No answer within ${timeout_ms / 1_000} s.`)),
      );
      const settled = (): void => {
        endTimer();
        this.pending.delete(fail);
      };
      this.pending.add(fail);
      if (isLost) return;
      this.out.send(ms, () => {
        const isWaited = (): boolean => this.pending.has(fail);
        this.inner.emit(event, payload, timeout_ms).then(
          (answer) => {
            if (isUnanswered || !isWaited()) return;
            this.arrives(() => {
              if (!isWaited()) return;
              settled();
              resolve(answer);
            });
          },
          (reason: unknown) => {
            if (isWaited()) fail(reason);
          },
        );
        // Whatever becomes of it: the first one is what is waited for.
        if (isDoubled) this.inner.emit(event, payload, timeout_ms).catch(() => undefined);
      });
    });
  }

  close(): void {
    this.finish();
  }

  private opened(transport: 'websocket' | 'polling'): void {
    const { cut_every_ms } = this.faults;
    if (cut_every_ms) this.after(between(this.drawIn, cut_every_ms), () => this.over(broken()));
    this.events.open(transport);
  }

  private happened(name: string, payload: unknown): void {
    const { lose = 0, double = 0, reorder = 0 } = this.faults;
    const [isLost, isDoubled, isOvertaken] = [this.drawIn() < lose, this.drawIn() < double, this.drawIn() < reorder];
    if (isLost) return;
    const tell = (): void => {
      if (!this.isOver) this.events.event(name, payload);
    };
    if (isOvertaken) this.after(between(this.drawIn, OVERTAKEN_MS), tell);
    else this.arrives(tell);
    if (isDoubled) this.arrives(tell);
  }

  private arrives(run: () => void): void {
    if (this.isOver) return;
    this.back.send(this.delay(this.drawIn), run);
  }

  private over(reason: ParleyError): void {
    if (this.isOver) return;
    this.finish();
    this.events.closed(reason);
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.out.stop();
    this.back.stop();
    for (const end of this.timers) end();
    for (const fail of this.pending) fail(broken());
    this.inner.close();
  }

  private after(ms: number, run: () => void): void {
    const end = this.clock.after(ms, () => {
      this.timers.delete(end);
      run();
    });
    this.timers.add(end);
  }

  private strikes(fault: 'lose' | 'double'): boolean {
    return this.drawOut() < (this.faults[fault] ?? 0);
  }

  private delay(draw: () => number): number {
    return between(draw, this.faults.delay_ms ?? [0, 0]);
  }
}

const broken = (): ParleyError => new ParleyError('offline', 'There is no connection: it broke.');
