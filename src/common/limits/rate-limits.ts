import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { siteOf } from './client-network.js';
import { RateLimited } from '../errors.js';
import { NETWORKS_OF_SITE, numberOf, type RateName, RATES } from './limits.js';
import { mailboxKey } from './mailbox.js';
import { Windows } from './windows.js';

/** Why a mail is sent; `notice` tells an owner what happened to their account. */
export type MailPurpose = 'register' | 'resend' | 'hint' | 'forgot' | 'notice' | 'restore';

const TOO_MANY = 'Too many registrations.';

/** One of the counts that a request must fit into. */
interface Count {
  windows: Windows;
  key: string;
}

/**
 * How much one person, network or mailbox may ask for: see `RATES`. Nothing is awaited between a question and its count, so what comes
 * at once is counted, and what one count refuses uses up nothing of another. A restart forgets; each node counts what reaches it.
 */
@Injectable()
export class RateLimits {
  private readonly counts = {} as Record<RateName, Windows>;
  /** How many of the registrations all in all went to each network, or to the site around it. */
  private readonly shares: Windows;
  /** For what is counted by network: the same for the sites around IPv6 networks. */
  private readonly sites = {} as Record<RateName, Windows>;
  private readonly isOn: boolean;

  constructor(@Inject(CONFIG) config: Config) {
    this.isOn = config.rateLimits;
    for (const name of Object.keys(RATES) as RateName[]) {
      const points = numberOf(RATES[name].points, config);
      this.counts[name] = new Windows(points, RATES[name].seconds);
      this.sites[name] = new Windows(points * NETWORKS_OF_SITE, RATES[name].seconds);
    }
    this.shares = new Windows(this.counts.registerAnywhere.points, RATES.registerAnywhere.seconds);
  }

  /** Keys that are kept now, of all counts. */
  get size(): number {
    const all = [...Object.values(this.counts), ...Object.values(this.sites), this.shares];
    return all.reduce((sum, { size }) => sum + size, 0);
  }

  /** @throws RateLimited */
  message(userId: number): void {
    const key = String(userId);
    this.take([this.count('message', key), this.count('messageOfDay', key)], 'Too many messages.');
  }

  /** @throws RateLimited */
  write(userId: number): void {
    this.take([this.count('write', String(userId))], 'Too many requests.');
  }

  /** @param cost see `ReadCost` @throws RateLimited */
  read(userId: number, cost: number): void {
    this.take([this.count('read', String(userId))], 'Too many requests.', cost);
  }

  /** @throws RateLimited */
  typing(userId: number): void {
    this.take([this.count('typing', String(userId))], 'Too much typing.');
  }

  /** Counts what nobody in particular asks for. @throws RateLimited */
  stranger(network: string): void {
    this.take(this.networkCounts('stranger', network), 'Too many requests from this network.');
  }

  /** What anybody may read without a token. @throws RateLimited */
  document(network: string): void {
    this.take(this.networkCounts('document', network), 'Too many requests from this network.');
  }

  /** A connection was closed for what it sent. One who floods comes back at once, and another connection costs more than a packet. */
  flooded(network: string): void {
    for (const { windows, key } of this.isOn ? this.networkCounts('flood', network) : []) windows.take(key);
  }

  /** Whether so many connections of the network were closed for what they sent that it gets no more for now. */
  isFlooding(network: string): boolean {
    return this.waitFor(this.networkCounts('flood', network), 1) > 0;
  }

  /** @throws RateLimited */
  registration(network: string): void {
    const share = { windows: this.shares, key: siteOf(network) ?? network };
    this.assertShare(share);
    this.take([...this.networkCounts('register', network), this.count('registerAnywhere', ''), share], TOO_MANY);
  }

  /** A password attempt that opens a session where it is right; those are counted as well. @throws as `passwordAttempt` */
  async loginAttempt(email: string, network: string, check: () => Promise<boolean>): Promise<boolean> {
    const logins = this.networkCounts('login', network, fingerprint(email));
    this.assertLeft(logins, 'Too many logins.');
    const isRight = await this.passwordAttempt(email, network, check);
    // Others may have been checked at the same time.
    if (isRight) this.take(logins, 'Too many logins.');
    return isRight;
  }

  /**
   * Checks a password, and counts the attempt where it was wrong: right ones, and those that the server was too busy to check, are
   * not held against anybody. @throws RateLimited before anything is checked; what `check` throws
   */
  async passwordAttempt(account: string, network: string, check: () => Promise<boolean>): Promise<boolean> {
    // By account AND network: whoever guesses at another's password cannot lock them out.
    const ofAccount = this.networkCounts('wrongPasswordOfAccount', network, fingerprint(account));
    const ofNetwork = this.networkCounts('wrongPassword', network);
    // Taken before the check, so that attempts at the same time are counted.
    this.take([...ofAccount, ...ofNetwork], 'Too many attempts.');
    let isRight: boolean;
    try {
      isRight = await check();
    } catch (error) {
      this.giveBack([...ofAccount, ...ofNetwork]);
      throw error;
    }
    if (isRight) {
      this.giveBack([...ofAccount, ...ofNetwork]);
      this.forgetAttempts(account, network);
    }
    return isRight;
  }

  /** Forgets the wrong attempts at an account from a network: whoever made them has shown in another way that it is theirs. */
  forgetAttempts(account: string, network: string): void {
    this.counts.wrongPasswordOfAccount.forget(keyOf(network, fingerprint(account)));
  }

  /**
   * Whether one more mail for this purpose may go to this mailbox now; the caller answers the same either way. Each purpose has a
   * count of its own: what strangers ask for never keeps a mail of another kind from its owner.
   */
  mayMail(purpose: MailPurpose, email: string): boolean {
    // Those of accounts go to addresses that have one: there, spellings that nobody has must not use up the owner's count.
    const isOfAccount = purpose === 'forgot' || purpose === 'notice' || purpose === 'restore';
    const key = isOfAccount ? email : mailboxKey(email);
    const counts = [this.count('mail', `${purpose}|${fingerprint(key)}`)];
    const isLeft = this.waitFor(counts, 1) === 0;
    if (isLeft) this.take(counts, '');
    return isLeft;
  }

  /** For what is counted when it is stored, and not when it comes: the caller asks and takes. Only where rates are on. */
  windows(name: RateName): Windows {
    return this.counts[name];
  }

  /** See `RATES.registerAnywhere`. @throws RateLimited */
  private assertShare({ windows, key }: Count): void {
    if (!this.isOn) return;
    const anywhere = this.counts.registerAnywhere;
    const left = anywhere.points - anywhere.used('');
    // Where none is left, the count of all says so.
    if (left === 0 || windows.used(key) < left) return;
    throw new RateLimited(TOO_MANY, Math.ceil(Math.min(windows.endsIn(key), anywhere.endsIn('')) / 1000));
  }

  private count(name: RateName, key: string): Count {
    return { windows: this.counts[name], key };
  }

  /** The network's own count, and that of its site where it has one. */
  private networkCounts(name: RateName, network: string, account?: string): Count[] {
    const own = this.count(name, keyOf(network, account));
    const site = siteOf(network);
    return site === undefined ? [own] : [own, { windows: this.sites[name], key: keyOf(site, account) }];
  }

  /** Takes points from each of these counts, or from none. @throws RateLimited where one has too few */
  private take(counts: readonly Count[], sentence: string, points = 1): void {
    if (!this.isOn) return;
    this.assertLeft(counts, sentence, points);
    for (const { windows, key } of counts) windows.take(key, points);
  }

  private assertLeft(counts: readonly Count[], sentence: string, points = 1): void {
    const wait = this.waitFor(counts, points);
    if (wait > 0) throw new RateLimited(sentence, Math.ceil(wait / 1000));
  }

  private waitFor(counts: readonly Count[], points: number): number {
    if (!this.isOn) return 0;
    return Math.max(...counts.map(({ windows, key }) => windows.waitFor(key, points)));
  }

  private giveBack(counts: readonly Count[]): void {
    for (const { windows, key } of counts) windows.giveBack(key);
  }
}

/** A key of fixed length, whatever was sent. */
const fingerprint = (text: string): string => createHash('sha256').update(text).digest('base64url');

const keyOf = (network: string, account?: string): string =>
  account === undefined ? network : `${account}|${network}`;
