/** How many users are served at a time, and for how long. */
const BOUNDS = {
  /** Most turns that have just begun: a server gets so many questions at once. */
  fresh: 64,
  /** For how many milliseconds a turn counts as just begun; after that, another one may begin. */
  freshMs: 5_000,
  /** Most turns in all. */
  all: 256,
  /** Where all are taken and a user waits, the oldest turn is ended, if it has had so many milliseconds. */
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
 * Gives users their turns in order of arrival, a limited number at a time. A slow turn delays others by at most `freshMs` while there are
 * places, and by at most `leastMs` where there are none: each user has at least that time, and no number of users can keep others out. A user
 * is in the queue once, so it is no longer than the number of users. Local to a node: each has as many turns.
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

  /** Runs `work` when its turn has come. @param giveWay called where it has had its time and others wait: must end it soon */
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
    // Its end starts the next one.
    else oldest.giveWay();
  }
}
