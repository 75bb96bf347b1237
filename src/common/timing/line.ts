import { Busy } from '../errors.js';

interface Waiting {
  since: number;
  begin: () => void;
  refuse: () => void;
}

/**
 * Runs so many pieces of work at once; the others wait in memory, in the order in which they came, for a bounded time. Local to a
 * process.
 */
export class Line {
  private running = 0;
  private waiting: Waiting[] = [];

  /** @param mostWaiting beyond them, the next one is refused at once */
  constructor(
    private readonly atOnce: number,
    private readonly mostWaiting: number,
  ) {}

  get isIdle(): boolean {
    return this.running === 0 && this.waiting.length === 0;
  }

  /**
   * Runs `work` in its turn.
   * @param isAhead before all that wait
   * @throws Busy where its turn does not come within so many milliseconds, or too many wait; what `work` throws
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

  /** Those that have waited since then or longer wait no more: what they wait for does not come. */
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

/** A line of its own, one at a time, for each thing that somebody waits for. */
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

  /** Somebody has it, or waits for it. */
  has(key: string): boolean {
    return this.lines.has(key);
  }

  /** As `Line.refuseSince`, in the line for `key`. */
  refuseSince(key: string, time: number): void {
    this.lines.get(key)?.refuseSince(time);
  }
}
