import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import pLimit, { type LimitFunction } from 'p-limit';
import { Busy } from '../common/errors.js';

/** OWASP's first choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
// argon2id is the library's default algorithm; naming it needs a const enum, which isolated modules cannot read.

/** Hashes that may wait; each takes some 20 ms, so the last one waits for about a second. */
const MAX_WAITING = 64;

/** For whom a password is hashed: a `stranger` registers or logs in, an `owner` has a session or holds a link of the account. */
export type PasswordOf = 'stranger' | 'owner';

/** Hashes and checks passwords, a few at once: each takes 19 MiB and a core. */
@Injectable()
export class Passwords {
  // Three gates: a flood of registrations must not keep people from logging in, and no flood of strangers those who have an account
  // from changing its password. Three at once at most: Node has four threads for such work, and one is to be left for SQLite's
  // flushes, behind which every message waits.
  private readonly registrations = pLimit(1);
  private readonly logins = pLimit(1);
  private readonly owners = pLimit(1);
  /** A hash of nothing anybody knows, so that an unknown account takes as long as a known one. */
  private readonly nobody = hash(crypto.randomUUID(), OPTIONS);

  /** @throws Busy */
  hash(password: string, whose: PasswordOf): Promise<string> {
    return gated(whose === 'owner' ? this.owners : this.registrations, () => hash(oneForm(password), OPTIONS));
  }

  /** Whether `password` made `stored`; false, in the same time, where there is no account. @throws Busy */
  async matches(password: string, stored: string | undefined, whose: PasswordOf): Promise<boolean> {
    const against = stored ?? (await this.nobody);
    const same = await gated(
      whose === 'owner' ? this.owners : this.logins,
      // As it was typed, second: it was hashed so before there was one form.
      async () =>
        (await verify(against, oneForm(password))) ||
        (oneForm(password) !== password && (await verify(against, password))),
    );
    return same && stored !== undefined;
  }

  /** The first of `stored` that a stranger's `password` made, if one is; takes `tries` checks, whatever is stored. @throws Busy */
  async search(password: string, stored: readonly string[], tries: number): Promise<string | undefined> {
    const nobody = await this.nobody;
    let found: string | undefined;
    for (let i = 0; i < tries; i++) {
      const same = await gated(this.registrations, () => verify(stored[i] ?? nobody, oneForm(password)));
      if (same) found ??= stored[i];
    }
    return found;
  }
}

/** Keyboards of different systems write the same letters as different code points: é as one, or as e and an accent. */
export const oneForm = (password: string): string => password.normalize('NFC');

async function gated<T>(gate: LimitFunction, work: () => Promise<T>): Promise<T> {
  if (gate.pendingCount >= MAX_WAITING) throw new Busy();
  return gate(work);
}
