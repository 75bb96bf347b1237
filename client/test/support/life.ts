import { realClock, type Clock } from '../../src/clock.js';
import { memoryStorage } from '../../src/storage.js';
import { socketIo } from '../../src/transport.js';
import type { ParleyStorage, Tabs, TransportFactory } from '../../src/seams.js';
import type { ParleyOptions } from '../../src/types.js';

const never = <T>(): Promise<T> => new Promise(() => {});

/** One run of a page or a program, which can end at any moment without a word, as by kill -9: nothing of it happens any more. */
export class Life {
  isOver = false;
  private readonly ends: (() => void)[] = [];

  readonly clock: Clock = {
    now: () => realClock.now(),
    after: (ms, run) => realClock.after(ms, () => void (this.isOver || run())),
  };

  end(): void {
    this.isOver = true;
    for (const end of this.ends) end();
  }

  storage(inner: ParleyStorage): ParleyStorage {
    return {
      read: (prefix) => (this.isOver ? never() : this.whileAlive(inner.read(prefix))),
      // What was begun may still happen, as on a disk; what was not, never does.
      write: (changes) => (this.isOver ? never() : this.whileAlive(inner.write(changes))),
    };
  }

  transport(inner: TransportFactory): TransportFactory {
    return (to, events) => {
      if (this.isOver) return { emit: () => never(), close: () => {} };
      const alive =
        <A extends unknown[]>(run: (...args: A) => void) =>
        (...args: A) =>
          void (this.isOver || run(...args));
      const transport = inner(to, {
        open: alive(events.open),
        event: alive(events.event),
        closed: alive(events.closed),
      });
      this.ends.push(() => transport.close());
      return {
        emit: (...args) => (this.isOver ? never() : this.whileAlive(transport.emit(...args))),
        close: () => transport.close(),
      };
    };
  }

  fetch(inner: typeof fetch): typeof fetch {
    return (...args) => (this.isOver ? never() : this.whileAlive(inner(...args)));
  }

  tabs(inner: Tabs): Tabs {
    return {
      lock: (name, options, work) =>
        this.isOver
          ? never()
          : this.whileAlive(
              inner.lock(name, options, (got) => {
                // A tab that is gone holds nothing, and takes nothing that it waited for.
                const gone = new Promise<never>((_, reject) => {
                  const end = (): void => reject(new Error('The tab is gone.'));
                  if (this.isOver) end();
                  else this.ends.push(end);
                });
                return this.isOver ? gone : Promise.race([work(got), gone]);
              }),
            ),
      tell: (message) => void (this.isOver || inner.tell(message)),
      hear: (listener) => {
        const end = inner.hear((message) => void (this.isOver || listener(message)));
        this.ends.push(end);
        return end;
      },
    };
  }

  private whileAlive<T>(promise: Promise<T>): Promise<T> {
    return promise.then(
      (value) => (this.isOver ? never<T>() : value),
      (error: unknown) => (this.isOver ? never<T>() : Promise.reject(error as Error)),
    );
  }

  options(of: {
    storage?: ParleyStorage;
    transport?: TransportFactory;
    fetch?: typeof fetch;
    tabs?: Tabs;
  }): ParleyOptions {
    return {
      clock: this.clock,
      storage: this.storage(of.storage ?? memoryStorage()),
      transport: this.transport(of.transport ?? socketIo),
      fetch: this.fetch(of.fetch ?? fetch),
      tabs: of.tabs ? this.tabs(of.tabs) : null,
      page: null,
    };
  }
}

/** Numbers that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
