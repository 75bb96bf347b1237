/** How many turns there are at a time, and for how long. */
const BOUNDS = {
  /** Turns that have just begun: what a server is asked at once. */
  fresh: 64,
  /** A turn is fresh for so long, in milliseconds; one that takes longer makes room for another. */
  freshMs: 5_000,
  /** All turns, slow ones included. */
  all: 256,
  /** Where all are taken and somebody waits, the one that has had most time gives way; after this at the earliest, in milliseconds. */
  leastMs: 20_000,
};

interface Turn {
  begin: () => void;
  giveWay: () => void;
  beganAt: number;
  isFresh: boolean;
  timer?: NodeJS.Timeout;
}

/**
 * Lets people have their turns in the order in which they came, so many at a time. Whoever takes long holds nobody up for longer than
 * `freshMs` while there is room, and for no longer than `leastMs` where there is none: everybody has so much time, and as many as like
 * cannot keep others out. Each person waits once, so that the queue is no longer than there are people. Local to a node.
 */
export class FairTurns {
  private readonly bounds: typeof BOUNDS;
  private readonly waiting: Turn[] = [];
  /** In the order in which they began. */
  private readonly open = new Set<Turn>();
  private fresh = 0;
  private roomTimer: NodeJS.Timeout | undefined;

  constructor(bounds: Partial<typeof BOUNDS> = {}) {
    this.bounds = { ...BOUNDS, ...bounds };
  }

  /** Runs `work` when its turn has come. @param giveWay is to end it soon: others wait, and it has had its time */
  async run<T>(work: () => Promise<T>, giveWay: () => void): Promise<T> {
    const turn: Turn = { begin: () => {}, giveWay, beganAt: 0, isFresh: true };
    await new Promise<void>((begin) => {
      this.waiting.push(Object.assign(turn, { begin }));
      this.next();
    });
    try {
      return await work();
    } finally {
      clearTimeout(turn.timer);
      this.open.delete(turn);
      this.ages(turn);
    }
  }

  private next(): void {
    const { fresh, all, freshMs } = this.bounds;
    while (this.waiting.length > 0 && this.fresh < fresh && this.open.size < all) {
      const turn = this.waiting.shift()!;
      this.open.add(turn);
      this.fresh++;
      turn.beganAt = performance.now();
      turn.timer = setTimeout(() => this.ages(turn), freshMs).unref();
      turn.begin();
    }
    this.makeRoom();
  }

  private ages(turn: Turn): void {
    if (turn.isFresh) this.fresh--;
    turn.isFresh = false;
    this.next();
  }

  private makeRoom(): void {
    clearTimeout(this.roomTimer);
    const [oldest] = this.open;
    if (!oldest || this.waiting.length === 0 || this.open.size < this.bounds.all) return;
    const wait = oldest.beganAt + this.bounds.leastMs - performance.now();
    if (wait > 0) this.roomTimer = setTimeout(() => this.makeRoom(), Math.ceil(wait)).unref();
    // Its end calls the next one.
    else oldest.giveWay();
  }
}
