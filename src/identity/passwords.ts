import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import pLimit, { type LimitFunction } from 'p-limit';
import { Busy } from '../common/errors.js';

/** OWASP's first choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
// argon2id is the library's default algorithm; naming it needs a const enum, which isolated modules cannot read.

/** Hashes that may wait for one purpose; each takes some 20 ms, so the last one waits for a second, or for two where others take turns. */
const MAX_WAITING = 64;

/** What a stranger's password is hashed for; an `owner` has a session, or holds a link of the account. */
export type HashPurpose = 'registration' | 'login' | 'owner';

/** Hashes and checks passwords, a few at once: each takes 19 MiB and a core. */
@Injectable()
export class Passwords {
  // Three at once at most, since flushes to disk, behind which every message waits, share their threads. One for owners: no flood of
  // strangers keeps those who have an account from changing its password. One for logins, and one for strangers who want a link, of
  // whom those who register and those who ask again take turns: no flood of one keeps the others out.
  private readonly owners = new HashQueue(pLimit(1));
  private readonly logins = new HashQueue(pLimit(1));
  private readonly links = pLimit(1);
  private readonly registrations = new HashQueue(this.links);
  private readonly resends = new HashQueue(this.links);
  /** A hash of nothing anybody knows, so that an unknown account takes as long as a known one. */
  private readonly nobody = hash(crypto.randomUUID(), OPTIONS);

  /** @throws Busy */
  hash(password: string, purpose: Exclude<HashPurpose, 'login'>): Promise<string> {
    const queue = purpose === 'owner' ? this.owners : this.registrations;
    return queue.run(1, (next) => next(() => hash(oneForm(password), OPTIONS)));
  }

  /** Whether `password` made `stored`; false, in the same time, where there is no account. @throws Busy */
  async matches(
    password: string,
    stored: string | undefined,
    purpose: Exclude<HashPurpose, 'registration'>,
  ): Promise<boolean> {
    const against = stored ?? (await this.nobody);
    const queue = purpose === 'owner' ? this.owners : this.logins;
    const same = await queue.run(1, (next) =>
      next(
        // As it was typed, second: it was hashed so before there was one form.
        async () =>
          (await verify(against, oneForm(password))) ||
          (oneForm(password) !== password && (await verify(against, password))),
      ),
    );
    return same && stored !== undefined;
  }

  /**
   * The first of `stored` that the password of a stranger who asks for another link made, if one is; takes `tries` checks, whatever is
   * stored. @throws Busy
   */
  async search(password: string, stored: readonly string[], tries: number): Promise<string | undefined> {
    const nobody = await this.nobody;
    return this.resends.run(tries, async (next) => {
      let found: string | undefined;
      for (let i = 0; i < tries; i++) {
        const same = await next(() => verify(stored[i] ?? nobody, oneForm(password)));
        if (same) found ??= stored[i];
      }
      return found;
    });
  }
}

/** Those who wait for one purpose, one after another. Local to a node, whose cores they use. */
class HashQueue {
  private readonly order = pLimit(1);
  private waiting = 0;

  /** @param turns shared with queues of other purposes: each gets every second hash, however many wait in the other */
  constructor(private readonly turns: LimitFunction) {}

  /** Runs `work`, which makes so many `hashes`, each in its turn. @throws Busy */
  async run<T>(hashes: number, work: (next: LimitFunction) => Promise<T>): Promise<T> {
    if (this.waiting + hashes > MAX_WAITING) throw new Busy();
    this.waiting += hashes;
    try {
      return await this.order(work, this.turns);
    } finally {
      this.waiting -= hashes;
    }
  }
}

/** Keyboards of different systems write the same letters as different code points: é as one, or as e and an accent. */
export const oneForm = (password: string): string => password.normalize('NFC');
