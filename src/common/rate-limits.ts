import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { CONFIG, type Config } from '../config/config.js';
import { RateLimited } from './errors.js';
import { mailboxKey } from './mailbox.js';

const MINUTE = 60;

/** Why a mail is sent; `notice` tells an owner what happened to their account. */
export type MailPurpose = 'register' | 'resend' | 'hint' | 'forgot' | 'notice';

const seconds = (result: RateLimiterRes): number => Math.max(1, Math.ceil(result.msBeforeNext / 1000));

/** How much one person, address or mailbox may ask for. All windows are fixed and counted per node. */
@Injectable()
export class RateLimits {
  /** 10 a second on average, 60 at once. */
  private readonly messages = new RateLimiterMemory({ keyPrefix: 'message', points: 60, duration: 6 });
  /** Over HTTP, the same for everything that changes something. */
  private readonly writes = new RateLimiterMemory({ keyPrefix: 'write', points: 60, duration: 6 });
  private readonly typings = new RateLimiterMemory({ keyPrefix: 'typing', points: 60, duration: 6 });
  // By mailbox AND address: whoever guesses at another's password cannot lock them out.
  private readonly loginsByAccount = new RateLimiterMemory({ keyPrefix: 'login', points: 10, duration: 15 * MINUTE });
  private readonly loginsByIp = new RateLimiterMemory({ keyPrefix: 'login-ip', points: 100, duration: 15 * MINUTE });
  /** What strangers may have looked up and written, whatever it is. */
  private readonly strangers = new RateLimiterMemory({ keyPrefix: 'stranger', points: 100, duration: 15 * MINUTE });
  private readonly mails = new RateLimiterMemory({ keyPrefix: 'mail', points: 3, duration: 60 * MINUTE });

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @throws RateLimited */
  async message(userId: number): Promise<void> {
    await this.consume(this.messages, String(userId), 'Too many messages.');
  }

  /** @throws RateLimited */
  async write(userId: number): Promise<void> {
    await this.consume(this.writes, String(userId), 'Too many requests.');
  }

  /** Counts what nobody in particular asks for. @throws RateLimited */
  async stranger(ip: string): Promise<void> {
    await this.consume(this.strangers, ip, 'Too many requests from this address.');
  }

  /** @throws RateLimited */
  async typing(userId: number): Promise<void> {
    await this.consume(this.typings, String(userId), 'Too much typing.');
  }

  /**
   * Checks a password, and counts the attempt where it was wrong: right ones, and those that the server was too busy to check, are
   * held against nobody. @throws RateLimited before anything is checked; what `check` throws
   */
  async passwordAttempt(account: string, ip: string, check: () => Promise<boolean>): Promise<boolean> {
    const key = attemptKey(account, ip);
    // The account first: what it refuses must not use up what others behind the same address have.
    await this.consume(this.loginsByAccount, key, 'Too many attempts.');
    try {
      await this.consume(this.loginsByIp, ip, 'Too many attempts from this address.');
    } catch (refused) {
      await this.loginsByAccount.reward(key);
      throw refused;
    }
    let isRight: boolean;
    try {
      isRight = await check();
    } catch (error) {
      await this.loginsByAccount.reward(key);
      await this.loginsByIp.reward(ip);
      throw error;
    }
    if (isRight) {
      await this.loginsByAccount.delete(key);
      await this.loginsByIp.reward(ip);
    }
    return isRight;
  }

  /** Forgets the wrong attempts at an account from an address: whoever made them has shown in another way that it is theirs. */
  async forgetAttempts(account: string, ip: string): Promise<void> {
    await this.loginsByAccount.delete(attemptKey(account, ip));
  }

  /**
   * Whether one more mail for this purpose may go to this mailbox now; the caller answers the same either way. Each purpose has a
   * count of its own: what strangers ask for never keeps a mail of another kind from its owner.
   */
  async mayMail(purpose: MailPurpose, email: string): Promise<boolean> {
    return this.consume(this.mails, `${purpose}|${fingerprint(mailboxKey(email))}`, '').then(
      () => true,
      (refused: unknown) => {
        if (refused instanceof RateLimited) return false;
        throw refused;
      },
    );
  }

  private async consume(limiter: RateLimiterMemory, key: string, sentence: string): Promise<void> {
    if (!this.config.rateLimits) return;
    try {
      await limiter.consume(key);
    } catch (refused) {
      if (refused instanceof Error) throw refused;
      throw new RateLimited(sentence, seconds(refused as RateLimiterRes));
    }
  }
}

/** A key of fixed length, whatever was sent. */
const fingerprint = (text: string): string => createHash('sha256').update(text).digest('base64url');

const attemptKey = (account: string, ip: string): string => `${fingerprint(account)}|${ip}`;
