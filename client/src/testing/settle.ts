// Taken when this is loaded: a test that replaces its timers must not stop these.
const { MessageChannel: Channel, setImmediate: immediate } = globalThis;

/** Another turn of the event loop, as soon as may be, behind those that were asked for before. */
const nextTurn: (run: () => void) => void =
  typeof immediate === 'function'
    ? (run) => void immediate(run)
    : (run) => {
        const { port1, port2 } = new Channel();
        const arrived = (): void => {
          port1.close();
          run();
        };
        port1.addEventListener('message', arrived);
        port1.start();
        port2.postMessage(null);
      };

/** Turns of the event loop without anything new, after which nothing is taken to be under way. One is enough for promises alone. */
const QUIET_TURNS = 2;
/** Whoever answers each packet with another one never comes to rest. */
const MOST_ROUNDS = 100_000;

const turn = (): Promise<void> => new Promise(nextTurn);

/**
 * What is under way on a fake network. Each packet comes in a turn of the event loop of its own, as in a browser: all that follows from
 * one by promises happens before the next.
 */
export class Traffic {
  private underWay = 0;
  private passed = 0;

  /** Something arrives: soon, and in order. */
  readonly pass = (run: () => void): void => {
    this.underWay++;
    nextTurn(() => {
      this.underWay--;
      this.passed++;
      run();
    });
  };

  /** Resolves when all has arrived, and whatever follows from it by promises. No time passes. */
  readonly settled = async (): Promise<void> => {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const before = this.passed;
      for (let i = 0; i < QUIET_TURNS; i++) await turn();
      if (this.underWay === 0 && this.passed === before) return;
    }
    throw new Error('The clients and the server do not come to rest: each packet leads to another one at once.');
  };
}
