import { Busy } from '../errors.js';

interface Waiting {
  since: number;
  begin: () => void;
  refuse: () => void;
}

/**
 * Runs a limited number of pieces of work at once; the others wait in memory, in their order, for a bounded time. Local to a process.
 */
export class Line {
  private running = 0;
  private waiting: Waiting[] = [];

  /** @param mostWaiting with so many waiting, the next one is refused at once */
  constructor(
    private readonly atOnce: number,
    private readonly mostWaiting: number,
  ) {}

  get isIdle(): boolean {
    return this.running === 0 && this.waiting.length === 0;
  }

  /**
   * Runs `work` in its turn.
   * @param isAhead ahead of all that wait
   * @throws Busy where its turn does not come in time, or too many wait; what `work` throws
   */
  async take<T>(work: () => Promise<T>, withinMs: number, isAhead = false): Promise<T> {
    await this.turn(withinMs, isAhead);
    try {
      return await work();
    } finally {
      this.running--;
      this.waiting.shift()?.begin();
    }
  }

  /** Refuses those that have waited since then or longer. */
  refuseSince(time: number): void {
    for (const one of this.waiting.filter(({ since }) => since <= time)) one.refuse();
  }

  private turn(withinMs: number, isAhead: boolean): Promise<void> | void {
    if (this.running < this.atOnce) return void this.running++;
    if (this.waiting.length >= this.mostWaiting) throw new Busy();
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        this.running++;
        resolve();
      };
      const refuse = (): void => {
        clearTimeout(timer);
        this.waiting = this.waiting.filter((other) => other !== one);
        reject(new Busy());
      };
      const one: Waiting = { since: performance.now(), begin, refuse };
      const timer = setTimeout(refuse, withinMs);
      if (isAhead) this.waiting.unshift(one);
      else this.waiting.push(one);
    });
  }
}

/** A line for each key, in which one piece of work runs at a time. */
export class Lines {
  private readonly lines = new Map<string, Line>();

  constructor(private readonly mostWaiting: number) {}

  /** As `Line.take`, in the line for `key`. */
  async take<T>(key: string, work: () => Promise<T>, withinMs: number, isAhead = false): Promise<T> {
    const line = this.lines.get(key) ?? new Line(1, this.mostWaiting);
    this.lines.set(key, line);
    try {
      return await line.take(work, withinMs, isAhead);
    } finally {
      if (line.isIdle) this.lines.delete(key);
    }
  }

  /** Whether work with this key runs or waits. */
  has(key: string): boolean {
    return this.lines.has(key);
  }

  /** As `Line.refuseSince`, in the line for `key`. */
  refuseSince(key: string, time: number): void {
    this.lines.get(key)?.refuseSince(time);
  }
}
