import type { Timers } from './pacing.js';
import { rateLimited } from './refusal.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** How many within how many seconds; docs/protocol.md, "Rates". All clients of a fake server are in one network. */
const RATES = {
  message: [60, 6],
  messageOfDay: [10_000, 24 * HOUR],
  write: [60, 6],
  read: [600, 10],
  typing: [60, 6],
  report: [10, 24 * HOUR],
  newEmail: [5, 24 * HOUR],
  login: [10, MINUTE],
  wrongPasswordOfAccount: [10, 15 * MINUTE],
  wrongPassword: [100, 15 * MINUTE],
  register: [100, 15 * MINUTE],
  stranger: [100, 15 * MINUTE],
  document: [300, 10],
  mail: [3, HOUR],
} as const satisfies Record<string, readonly [points: number, seconds: number]>;

export type RateName = keyof typeof RATES;

interface Count {
  readonly name: RateName;
  readonly key: string;
}

/** Counts in fixed windows, each of which begins with the first thing that is counted in it. A restart forgets. */
export class Rates {
  private readonly windows = new Map<string, { used: number; readonly endsAt: number }>();

  constructor(
    private readonly timers: Timers,
    private readonly isOn: boolean,
  ) {}

  /** Takes from each of these, or from none. @throws Refusal where one has too few left */
  take(sentence: string, counts: readonly Count[], points = 1): void {
    if (!this.isOn) return;
    const wait = this.waitFor(counts, points);
    if (wait > 0) throw rateLimited(sentence, wait);
    for (const { name, key } of counts) {
      const window = this.window({ name, key });
      if (window) window.used += points;
      else this.windows.set(`${name} ${key}`, { used: points, endsAt: this.timers.now() + RATES[name][1] * 1_000 });
    }
  }

  /** The same, where nobody is told. @returns whether there was one left */
  mayMail(purpose: string, email: string): boolean {
    const counts: Count[] = [{ name: 'mail', key: `${purpose} ${email}` }];
    if (this.isOn && this.waitFor(counts, 1) > 0) return false;
    this.take('', counts);
    return true;
  }

  /** Checks a password, and counts the attempt where it is wrong. @throws Refusal before anything is checked */
  passwordAttempt(account: string, isRight: boolean): boolean {
    const counts: Count[] = [
      { name: 'wrongPasswordOfAccount', key: account },
      { name: 'wrongPassword', key: '' },
    ];
    this.take('Too many attempts.', counts);
    if (!isRight) return false;
    const all = this.window(counts[1]!);
    if (all) all.used--;
    this.forgetAttempts(account);
    return true;
  }

  forgetAttempts(account: string): void {
    this.windows.delete(`wrongPasswordOfAccount ${account}`);
  }

  /** @throws Refusal where so many logins of the account are over */
  assertLogin(email: string): void {
    const wait = this.isOn ? this.waitFor([{ name: 'login', key: email }], 1) : 0;
    if (wait > 0) throw rateLimited('Too many logins.', wait);
  }

  private waitFor(counts: readonly Count[], points: number): number {
    return Math.max(
      ...counts.map((count) => {
        const window = this.window(count);
        return (window?.used ?? 0) + points <= RATES[count.name][0] ? 0 : window!.endsAt - this.timers.now();
      }),
    );
  }

  private window({ name, key }: Count) {
    const window = this.windows.get(`${name} ${key}`);
    return window && window.endsAt > this.timers.now() ? window : undefined;
  }
}
