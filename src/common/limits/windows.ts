/** More keys than there are busy users at once; each takes some 200 bytes. */
const MAX_KEYS = 100_000;

/** How long a change may wait that hardly counts. */
const UNSENT_FOR_MS = 1_000;
/** Such is less than this part of the points: ten thousand messages a day need not be told one by one. */
const HARDLY = 1 / 100;

interface Window {
  /** What counts: where it is shared, by this node and the others as far as it has heard. */
  used: number;
  /** By this node alone: what it knows for certain. */
  own: number;
  endsAt: number;
}

/** What was counted here, and is not known elsewhere yet. */
interface Unsent {
  points: number;
  isForgotten: boolean;
  since: number;
}

/**
 * Counts by key, in fixed windows that begin with the first count of a key. Checking stores nothing, and no more than `maxKeys` are kept:
 * beyond that, the oldest window is forgotten. Local to a node, which counts what reaches it; where it is shared, somebody carries changes
 * and totals between nodes, and nothing here waits for that.
 */
export class Windows {
  /** In the order of their beginning, which is also that of their end. */
  private readonly windows = new Map<string, Window>();
  /** By key. As many as keys at most, where nobody fetches them. */
  private unsent: Map<string, Unsent> | undefined;

  constructor(
    public points: number,
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
    window.own += points;
    if (this.unsent) this.note(this.unsent, key, points);
  }

  /** Gives back points that were taken. */
  giveBack(key: string, points = 1): void {
    const window = this.windows.get(key);
    if (!window) return;
    window.used -= points;
    window.own -= points;
    if (this.unsent) this.note(this.unsent, key, -points);
    else if (window.used <= 0) this.windows.delete(key);
  }

  forget(key: string): void {
    this.windows.delete(key);
    if (this.unsent) this.note(this.unsent, key, 0, true);
  }

  /** From now on, others count the same keys: `takeUnsent` says what they have to know, `heard` what they have counted. */
  share(): void {
    this.unsent ??= new Map();
  }

  /** What others should know now, each key once; whoever takes it tells them. @param isAll also what could wait for a second */
  takeUnsent(most: number, isAll = false): { key: string; points: number; isForgotten: boolean; endsInMs: number }[] {
    const taken: ReturnType<Windows['takeUnsent']> = [];
    const now = performance.now();
    for (const [key, { points, isForgotten, since }] of this.unsent ?? []) {
      if (taken.length >= most) break;
      const endsInMs = this.endsIn(key);
      const isOver = !isForgotten && (points === 0 || endsInMs === 0);
      const mayWait = !isAll && !isForgotten && Math.abs(points) < this.points * HARDLY && now - since < UNSENT_FOR_MS;
      if (mayWait && !isOver) continue;
      this.unsent!.delete(key);
      if (!isOver) taken.push({ key, points, isForgotten, endsInMs });
    }
    return taken;
  }

  /** How much all nodes together have counted, and when that ends. What this node knows by itself counts in any case. */
  heard(key: string, total: number, endsInMs: number): void {
    const window = this.current(key);
    if (!window) return;
    window.used = Math.max(window.own, total + (this.unsent?.get(key)?.points ?? 0));
    // Not later: the others may have lost the beginning.
    window.endsAt = Math.min(window.endsAt, performance.now() + endsInMs);
    if (window.used <= 0) this.windows.delete(key);
  }

  private note(unsent: Map<string, Unsent>, key: string, points: number, isForgotten = false): void {
    const before = unsent.get(key);
    if (before && !isForgotten) before.points += points;
    else if (before || unsent.size < this.maxKeys) unsent.set(key, { points, isForgotten, since: performance.now() });
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
    const window = { used: 0, own: 0, endsAt: now + this.seconds * 1000 };
    this.windows.set(key, window);
    return window;
  }
}
