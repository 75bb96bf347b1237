/** Passes on the first value of a key at once, and then at most one every `everyMs`, always the latest. The last value always comes. */
export class Throttle<K, V> {
  /** Keys of which a value was passed on less than `everyMs` ago, with the value that has come since. */
  private readonly recent = new Map<K, { timer: NodeJS.Timeout; latest?: { value: V } }>();
  private isStopped = false;

  constructor(
    private readonly everyMs: number,
    private readonly pass: (value: V, key: K) => void,
    /** What waits where another value comes behind one that waits already: the later one, unless told otherwise. */
    private readonly merge: (waiting: V, later: V) => V = (_, later) => later,
  ) {}

  push(key: K, value: V): void {
    if (this.isStopped) return;
    const passed = this.recent.get(key);
    if (passed) passed.latest = { value: passed.latest ? this.merge(passed.latest.value, value) : value };
    else this.passOn(key, value);
  }

  /** Changes the value that waits, if one does. */
  amend(key: K, change: (value: V) => V): void {
    const latest = this.recent.get(key)?.latest;
    if (latest) latest.value = change(latest.value);
  }

  /** Passes on now what waits. */
  flush(): void {
    for (const [key, passed] of this.recent) {
      const { latest } = passed;
      delete passed.latest;
      if (latest) this.pass(latest.value, key);
    }
  }

  /** Passes nothing on any more. */
  stop(): void {
    this.isStopped = true;
    for (const { timer } of this.recent.values()) clearTimeout(timer);
    this.recent.clear();
  }

  private passOn(key: K, value: V): void {
    const timer = setTimeout(() => {
      const latest = this.recent.get(key)?.latest;
      this.recent.delete(key);
      if (latest) this.passOn(key, latest.value);
    }, this.everyMs).unref();
    this.recent.set(key, { timer });
    this.pass(value, key);
  }
}
