import { type Clock, realClock, sleep } from '../clock.js';
import { between, seeded, seedOf } from './random.js';

/** What goes wrong with requests. Shares are probabilities, 0 to 1. */
export interface HttpFaults {
  /** The same faults for the same requests, in the same order. */
  readonly seed: number;
  /** Requests that do not reach the server. */
  readonly refuse?: number;
  /** Requests that the server does, and whose answer is lost. */
  readonly lose?: number;
  /** How long a request takes to the server, and an answer back, least and most. */
  readonly delay_ms?: readonly [number, number];
  /** Default: the real one. */
  readonly clock?: Clock;
}

/** Puts faults between a client and the HTTP routes of any server. What fails rejects as `fetch` does where there is no network. */
export function faultyFetch(inner: typeof fetch, faults: HttpFaults): typeof fetch {
  const { seed, refuse = 0, lose = 0, delay_ms, clock = realClock } = faults;
  let requests = 0;
  return async (input, init) => {
    const draw = seeded(seedOf(seed, ++requests));
    const [isRefused, isLost] = [draw() < refuse, draw() < lose];
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    const takes = async (): Promise<void> => {
      if (!delay_ms) return;
      await sleep(clock, between(draw, delay_ms), signal);
      signal?.throwIfAborted();
    };
    await takes();
    if (isRefused) throw new TypeError('fetch failed');
    const answer = await inner(input, init);
    await takes();
    if (isLost) throw new TypeError('fetch failed');
    return answer;
  };
}
