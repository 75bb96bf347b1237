import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { Metrics } from '../metrics.js';
import { siteOf } from './client-network.js';
import { RateLimited } from '../errors.js';
import { NETWORKS_OF_SITE, numberOf, type RateName, RATES } from './limits.js';
import { mailboxKey } from './mailbox.js';
import { Windows } from './windows.js';

/** Why a mail is sent; `notice`: to tell an owner what happened to their account. */
export type MailPurpose = 'register' | 'resend' | 'hint' | 'forgot' | 'notice' | 'restore' | 'email';

const TOO_MANY = 'Too many registrations.';

/** One of the counts that a request is checked against. */
interface Count {
  name: RateName;
  windows: Windows;
  key: string;
}

/**
 * Counts requests by user, network or mailbox: see `RATES`. Nothing is awaited between the check and the count, so simultaneous requests are
 * counted, and a request that one count refuses uses up nothing of another. Local to a node, and lost with a restart; where there are several
 * nodes, `SharedRates` adds up what they count.
 */
@Injectable()
export class RateLimits {
  private readonly counts = {} as Record<RateName, Windows>;
  /** How many of all registrations came from each network, or from the site around it. */
  private readonly shares: Windows;
  /** For counts by network: the same for the sites around IPv6 networks. */
  private readonly sites = {} as Record<RateName, Windows>;
  private readonly isOn: boolean;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly metrics: Metrics,
  ) {
    this.isOn = config.rateLimits;
    for (const name of Object.keys(RATES) as RateName[]) {
      const points = numberOf(RATES[name].points, config);
      this.counts[name] = new Windows(points, RATES[name].seconds);
      this.sites[name] = new Windows(points * NETWORKS_OF_SITE, RATES[name].seconds);
    }
    this.shares = new Windows(this.counts.registerAnywhere.points, RATES.registerAnywhere.seconds);
  }

  /** Number of keys that are kept now, of all counts. */
  get size(): number {
    const all = [...Object.values(this.counts), ...Object.values(this.sites), this.shares];
    return all.reduce((sum, { size }) => sum + size, 0);
  }

  /** All counts, by names that are the same on every node. */
  *all(): Generator<[name: string, windows: Windows]> {
    yield* Object.entries(this.counts);
    for (const [name, windows] of Object.entries(this.sites)) yield [`${name} of a site`, windows];
    yield ['share', this.shares];
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

  /** @throws RateLimited */
  report(userId: number): void {
    this.take([this.count('report', String(userId))], 'Too many reports.');
  }

  /** @throws RateLimited */
  newEmail(userId: number): void {
    this.take([this.count('newEmail', String(userId))], 'Too many new addresses.');
  }

  /** Counts a request of a caller without a token that changes something. @throws RateLimited */
  stranger(network: string): void {
    this.take(this.networkCounts('stranger', network), 'Too many requests from this network.');
  }

  /** Counts a read without a token. @throws RateLimited */
  document(network: string): void {
    this.take(this.networkCounts('document', network), 'Too many requests from this network.');
  }

  /** Counts a connection that was closed for flooding: its client comes back at once, and a connection costs more than a packet. */
  flooded(network: string): void {
    for (const { windows, key } of this.isOn ? this.networkCounts('flood', network) : []) windows.take(key);
  }

  /** Whether so many connections of the network were closed for flooding that it gets no more for now. */
  isFlooding(network: string): boolean {
    return this.waitFor(this.networkCounts('flood', network), 1) > 0;
  }

  /** @throws RateLimited */
  registration(network: string): void {
    const share: Count = { name: 'registerAnywhere', windows: this.shares, key: siteOf(network) ?? network };
    this.assertShare(share);
    this.take([...this.networkCounts('register', network), this.count('registerAnywhere', ''), share], TOO_MANY);
  }

  /** From now on, also for those that were counted already. */
  setRegistrationsPerHour(points: number): void {
    for (const windows of [this.counts.registerAnywhere, this.shares]) windows.points = points;
  }

  /** A password attempt that opens a session where it is right; those are counted as well. @throws as `passwordAttempt` */
  async loginAttempt(email: string, network: string, check: () => Promise<boolean>): Promise<boolean> {
    const logins = this.networkCounts('login', network, fingerprint(email));
    this.assertLeft(logins, 'Too many logins.');
    const isRight = await this.passwordAttempt(email, network, check);
    // Others may have been counted at the same time.
    if (isRight) this.take(logins, 'Too many logins.');
    return isRight;
  }

  /**
   * Checks a password, and counts the attempt if it was wrong; attempts that the server was too busy to check are not counted.
   * @throws RateLimited before anything is checked; what `check` throws
   */
  async passwordAttempt(account: string, network: string, check: () => Promise<boolean>): Promise<boolean> {
    // By account and network together: an attacker cannot lock the owner out.
    const ofAccount = this.networkCounts('wrongPasswordOfAccount', network, fingerprint(account));
    const ofNetwork = this.networkCounts('wrongPassword', network);
    // Taken before the check, so that simultaneous attempts are counted.
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

  /** Forgets the wrong attempts at an account from a network: their user has shown in another way that the account is theirs. */
  forgetAttempts(account: string, network: string): void {
    this.counts.wrongPasswordOfAccount.forget(keyOf(network, fingerprint(account)));
  }

  /**
   * Whether one more mail for this purpose may go to this mailbox now; the caller must answer the same either way. Each purpose has a count of
   * its own, so that mails which strangers cause do not keep those of other kinds from the owner.
   */
  mayMail(purpose: MailPurpose, email: string): boolean {
    // Mails of accounts are counted by the exact address: mails to other spellings of the mailbox must not use up the owner's count.
    const isOfAccount = purpose === 'forgot' || purpose === 'notice' || purpose === 'restore';
    const key = isOfAccount ? email : mailboxKey(email);
    const counts = [this.count('mail', `${purpose}|${fingerprint(key)}`)];
    const isLeft = this.waitFor(counts, 1) === 0;
    if (isLeft) this.take(counts, '');
    return isLeft;
  }

  /** For requests that are counted when they are stored: the caller checks and takes. Use it only where rates are on. */
  windows(name: RateName): Windows {
    return this.counts[name];
  }

  /** See `RATES.registerAnywhere`. @throws RateLimited */
  private assertShare({ windows, key }: Count): void {
    if (!this.isOn) return;
    const anywhere = this.counts.registerAnywhere;
    const left = anywhere.points - anywhere.used('');
    // Where none is left, the count of all networks refuses it.
    if (left <= 0 || windows.used(key) < left) return;
    this.metrics.rateLimited.inc({ limit: 'registerAnywhere' });
    throw new RateLimited(TOO_MANY, Math.ceil(Math.min(windows.endsIn(key), anywhere.endsIn('')) / 1000));
  }

  private count(name: RateName, key: string): Count {
    return { name, windows: this.counts[name], key };
  }

  /** The count of the network, and that of its site where it has one. */
  private networkCounts(name: RateName, network: string, account?: string): Count[] {
    const own = this.count(name, keyOf(network, account));
    const site = siteOf(network);
    return site === undefined ? [own] : [own, { name, windows: this.sites[name], key: keyOf(site, account) }];
  }

  /** Takes points from each of these counts, or from none. @throws RateLimited where one has too few */
  private take(counts: readonly Count[], sentence: string, points = 1): void {
    if (!this.isOn) return;
    this.assertLeft(counts, sentence, points);
    for (const { windows, key } of counts) windows.take(key, points);
  }

  private assertLeft(counts: readonly Count[], sentence: string, points = 1): void {
    const wait = this.waitFor(counts, points);
    if (wait === 0) return;
    const full = counts.find(({ windows, key }) => windows.waitFor(key, points) > 0);
    this.metrics.rateLimited.inc({ limit: full!.name });
    throw new RateLimited(sentence, Math.ceil(wait / 1000));
  }

  private waitFor(counts: readonly Count[], points: number): number {
    if (!this.isOn) return 0;
    return Math.max(...counts.map(({ windows, key }) => windows.waitFor(key, points)));
  }

  private giveBack(counts: readonly Count[]): void {
    for (const { windows, key } of counts) windows.giveBack(key);
  }
}

/** A key of fixed length. */
const fingerprint = (text: string): string => createHash('sha256').update(text).digest('base64url');

const keyOf = (network: string, account?: string): string =>
  account === undefined ? network : `${account}|${network}`;
