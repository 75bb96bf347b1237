import { realClock } from '../../src/clock.js';
import { ParleyError } from '../../src/errors.js';
import type { Transport, TransportFactory } from '../../src/seams.js';

export interface Faults {
  /** 0 to 1, for each packet in either direction. */
  lose: number;
  double: number;
  /** Up to so many milliseconds, each packet by itself: so they overtake each other. */
  delayMs: number;
}

/** A network that can be bad, and mended, while connections are open. */
export class BadNetwork {
  faults: Faults = { lose: 0, double: 0, delayMs: 0 };
  isDown = false;
  private readonly open = new Set<(reason: ParleyError) => void>();

  constructor(private readonly random: () => number) {}

  cut(): void {
    for (const close of Array.from(this.open)) close(new ParleyError('offline', 'The network was cut.'));
  }

  private get isLost(): boolean {
    return this.random() < this.faults.lose;
  }

  private later(run: () => void): void {
    const { delayMs } = this.faults;
    if (delayMs === 0) return run();
    realClock.after(this.random() * delayMs, run);
  }

  readonly transport =
    (inner: TransportFactory): TransportFactory =>
    (to, events) => {
      let isClosed = false;
      const closed = (reason: ParleyError): void => {
        if (isClosed) return;
        isClosed = true;
        this.open.delete(cut);
        events.closed(reason);
      };
      const cut = (reason: ParleyError): void => {
        transport?.close();
        closed(reason);
      };
      this.open.add(cut);
      let transport: Transport | undefined;
      if (this.isDown) realClock.after(5, () => cut(new ParleyError('offline', 'The network is down.')));
      else
        transport = inner(to, {
          open: (name) => void (isClosed || events.open(name)),
          closed,
          event: (name, payload) => {
            const times = this.isLost ? 0 : this.random() < this.faults.double ? 2 : 1;
            for (let n = 0; n < times; n++)
              this.later(() => void (isClosed || events.event(name, structuredClone(payload))));
          },
        });
      return {
        emit: async (event, payload, ms) => {
          if (isClosed || !transport) throw new ParleyError('offline', 'There is no connection.');
          const lost = async (): Promise<never> => {
            await new Promise<void>((resolve) => realClock.after(Math.min(ms, 300), resolve));
            throw isClosed ? new ParleyError('offline', 'It broke.') : new ParleyError('timeout', 'Lost.');
          };
          await new Promise<void>((resolve) => this.later(resolve));
          if (isClosed) throw new ParleyError('offline', 'It broke.');
          if (this.isLost) return lost();
          if (this.random() < this.faults.double) transport.emit(event, payload, ms).catch(() => {});
          const answer = await transport.emit(event, payload, ms);
          if (this.isLost) return lost();
          await new Promise<void>((resolve) => this.later(resolve));
          if (isClosed) throw new ParleyError('offline', 'It broke.');
          return answer;
        },
        close: () => {
          isClosed = true;
          this.open.delete(cut);
          transport?.close();
        },
      };
    };

  readonly fetch =
    (inner: typeof fetch): typeof fetch =>
    async (...args) => {
      await new Promise<void>((resolve) => this.later(resolve));
      if (this.isDown || this.isLost) throw new TypeError('fetch failed');
      const response = await inner(...args);
      if (this.isLost) throw new TypeError('fetch failed');
      await new Promise<void>((resolve) => this.later(resolve));
      return response;
    };
}
