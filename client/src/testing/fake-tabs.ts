import type { Unsubscribe } from '../store.js';
import type { Tabs } from '../seams.js';

/** One tab of a browser, which the test can close without a word, or have the browser stop. */
export interface FakeTab extends Tabs {
  /** The browser ends it: its locks are free, what it waits for never comes, and nothing that it says is heard. */
  kill(): void;
  /** Stopped: it keeps its locks, and what it hears, and the locks that it gets meanwhile, wait for `thaw`. */
  freeze(): void;
  thaw(): void;
}

type Mode = 'exclusive' | 'shared';

interface Request {
  readonly tab: Tab;
  readonly mode: Mode;
  readonly granted: () => void;
}

/** Web Locks: those who wait for one name get it in the order in which they asked, shared ones together. */
class Locks {
  private readonly held = new Map<string, Set<Request>>();
  private readonly waiting = new Map<string, Request[]>();

  /** @returns whether it was free */
  takeIfFree(name: string, request: Request): boolean {
    if (this.queueOf(name).length > 0 || !this.fits(name, request.mode)) return false;
    this.holdersOf(name).add(request);
    return true;
  }

  wait(name: string, request: Request): void {
    this.queueOf(name).push(request);
    this.grant(name);
  }

  /** Holds it no more, or waits for it no more. */
  leave(name: string, request: Request): void {
    this.holdersOf(name).delete(request);
    this.waiting.set(
      name,
      this.queueOf(name).filter((one) => one !== request),
    );
    this.grant(name);
  }

  leaveAll(tab: Tab): void {
    for (const name of new Set([...this.held.keys(), ...this.waiting.keys()]))
      for (const request of [...this.holdersOf(name), ...this.queueOf(name)])
        if (request.tab === tab) this.leave(name, request);
  }

  private grant(name: string): void {
    const queue = this.queueOf(name);
    for (let next = queue[0]; next && this.fits(name, next.mode); next = queue[0]) {
      queue.shift();
      this.holdersOf(name).add(next);
      next.granted();
    }
  }

  private fits(name: string, mode: Mode): boolean {
    const holders = [...this.holdersOf(name)];
    return holders.length === 0 || (mode === 'shared' && holders.every((one) => one.mode === 'shared'));
  }

  private holdersOf(name: string): Set<Request> {
    const holders = this.held.get(name) ?? new Set();
    this.held.set(name, holders);
    return holders;
  }

  private queueOf(name: string): Request[] {
    const queue = this.waiting.get(name) ?? [];
    this.waiting.set(name, queue);
    return queue;
  }
}

class Tab implements FakeTab {
  private readonly listeners = new Set<(message: unknown) => void>();
  /** What a tab that is stopped would do. */
  private postponed: (() => void)[] = [];
  private isFrozen = false;
  private isDead = false;
  private isClosed = false;

  constructor(
    private readonly locks: Locks,
    private readonly others: () => readonly Tab[],
  ) {}

  lock<T>(
    name: string,
    { mode, if_free = false, signal }: Parameters<Tabs['lock']>[1],
    work: (got: boolean) => Promise<T>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.isDead) return;
      if (signal?.aborted) return reject(signal.reason as Error);
      // Not at once, as browsers do not either: whoever asks has gone on by then.
      const begin = (got: boolean): void => {
        signal?.removeEventListener('abort', abort);
        this.soon(() => void run(got));
      };
      const run = async (got: boolean): Promise<void> => {
        try {
          resolve(await work(got));
        } catch (error) {
          reject(error);
        } finally {
          if (got) this.locks.leave(name, request);
        }
      };
      const abort = (): void => {
        this.locks.leave(name, request);
        reject(signal!.reason as Error);
      };
      const request: Request = { tab: this, mode, granted: () => begin(true) };
      if (if_free) return begin(this.locks.takeIfFree(name, request));
      signal?.addEventListener('abort', abort, { once: true });
      this.locks.wait(name, request);
    });
  }

  tell(message: unknown): void {
    if (this.isDead || this.isClosed) return;
    for (const other of this.others()) {
      if (other === this) continue;
      const copy: unknown = structuredClone(message);
      other.soon(() => other.hears(copy));
    }
  }

  hear(listener: (message: unknown) => void): Unsubscribe {
    const own = (message: unknown): void => listener(message);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  close(): void {
    this.isClosed = true;
    this.listeners.clear();
  }

  kill(): void {
    this.isDead = true;
    this.close();
    this.locks.leaveAll(this);
  }

  freeze(): void {
    this.isFrozen = true;
  }

  thaw(): void {
    this.isFrozen = false;
    const due = this.postponed;
    this.postponed = [];
    for (const run of due) this.soon(run);
  }

  private soon(run: () => void): void {
    void Promise.resolve().then(() => {
      if (this.isDead) return;
      if (this.isFrozen) this.postponed.push(run);
      else run();
    });
  }

  private hears(message: unknown): void {
    for (const listener of this.listeners) listener(message);
  }
}

/** Tabs of one browser, in one process: they share locks, and hear each other. Give each client one as `tabs`, and all one `storage`. */
export function fakeTabs(count: number): readonly FakeTab[] {
  const locks = new Locks();
  const tabs: Tab[] = [];
  for (let i = 0; i < count; i++) tabs.push(new Tab(locks, () => tabs));
  return tabs;
}
