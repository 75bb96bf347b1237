import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import pLimit, { type LimitFunction } from 'p-limit';
import { Busy } from '../common/errors.js';

/** OWASP's first choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
// argon2id is the library's default algorithm; naming it needs a const enum, which isolated modules cannot read.

/** Hashes that may wait for one purpose; each takes some 20 ms, so the last one waits for a second, or for two where others take turns. */
const MAX_WAITING = 64;

/** What a password is hashed for. An `owner` has a session, or a link to the account; the others are strangers. */
export type HashPurpose = 'registration' | 'login' | 'owner';

/** Hashes and checks passwords, a few at once: each takes 19 MiB and a core. */
@Injectable()
export class Passwords {
  // Three at once at most, since flushes to disk, for which every message waits, use the same threads. One for owners, so that a flood of
  // strangers does not keep users from changing their password. One for logins. One for strangers who want a link, where registrations
  // and requests for another link take turns, so that a flood of one does not keep out the others.
  private readonly owners = new HashQueue(pLimit(1));
  private readonly logins = new HashQueue(pLimit(1));
  private readonly links = pLimit(1);
  private readonly registrations = new HashQueue(this.links);
  private readonly resends = new HashQueue(this.links);
  /** A hash of a random password, so that the check of an unknown account takes as long as that of a known one. */
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
        // Then as it was typed: hashes exist that were made without normalizing.
        async () =>
          (await verify(against, oneForm(password))) ||
          (oneForm(password) !== password && (await verify(against, password))),
      ),
    );
    return same && stored !== undefined;
  }

  /**
   * The first of these hashes that the password matches, for a stranger who asks for another link. Always takes the time of `tries`
   * checks. @throws Busy
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

/** Hashes for one purpose, one after the other. Local to a node, whose cores they use. */
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

/** Keyboards of different systems write the same letter as different code points: é as one, or as e and an accent. */
export const oneForm = (password: string): string => password.normalize('NFC');
