/** More keys than there are busy users at once; each takes some 200 bytes. */
const MAX_KEYS = 100_000;

interface Window {
  used: number;
  endsAt: number;
}

/**
 * Counts by key, in fixed windows that begin with the first count of a key. Checking stores nothing, and no more than `maxKeys` are kept:
 * beyond that, the oldest window is forgotten. Local to a node, which counts what reaches it.
 */
export class Windows {
  /** In the order of their beginning, which is also that of their end. */
  private readonly windows = new Map<string, Window>();

  constructor(
    readonly points: number,
    private readonly seconds: number,
    private readonly maxKeys = MAX_KEYS,
  ) {}

  get size(): number {
    return this.windows.size;
  }

  /** Milliseconds until so many points are left: 0 where they are now. */
  waitFor(key: string, points = 1): number {
    return this.used(key) + points <= this.points ? 0 : this.endsIn(key);
  }

  /** How many points were taken in the present window. */
  used(key: string): number {
    return this.current(key)?.used ?? 0;
  }

  /** Milliseconds until nothing counts as taken; 0 where nothing does. */
  endsIn(key: string): number {
    const window = this.current(key);
    return window ? window.endsAt - performance.now() : 0;
  }

  /** Takes points, whether or not they are left: check `waitFor` first. */
  take(key: string, points = 1): void {
    const window = this.current(key) ?? this.begin(key);
    window.used += points;
  }

  /** Gives back points that were taken. */
  giveBack(key: string, points = 1): void {
    const window = this.windows.get(key);
    if (!window) return;
    window.used -= points;
    if (window.used <= 0) this.windows.delete(key);
  }

  forget(key: string): void {
    this.windows.delete(key);
  }

  private current(key: string): Window | undefined {
    const window = this.windows.get(key);
    return window && window.endsAt > performance.now() ? window : undefined;
  }

  private begin(key: string): Window {
    const now = performance.now();
    // Deleted first, so that the new window is the last one in the order.
    this.windows.delete(key);
    for (const [oldest, { endsAt }] of this.windows) {
      if (endsAt > now && this.windows.size < this.maxKeys) break;
      this.windows.delete(oldest);
    }
    const window = { used: 0, endsAt: now + this.seconds * 1000 };
    this.windows.set(key, window);
    return window;
  }
}
