import { Inject, Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { sessionRevoked } from '../identity/access-tokens.js';
import { Passwords } from '../identity/passwords.js';
import { Session } from '../identity/session.entity.js';
import { User } from '../identity/user.entity.js';
import { Clock } from '../common/timing/clock.js';
import { DomainError, RateLimited } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { CONFIG, type Config } from '../config/config.js';
import { UnitOfWork } from '../database/unit-of-work.js';

export const wrongPassword = () =>
  new DomainError('forbidden', 'wrong_password', 'This is not your password. Nothing was changed.');

export const reauthenticationRequired = () =>
  new DomainError(
    'forbidden',
    'reauthentication_required',
    'This login is not recent enough. Send `current_password` along, or log in again.',
  );

/** Checks the password of a user who is logged in. */
@Injectable()
export class OwnPassword {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly limits: RateLimits,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** For changes that a stolen token must not make by itself, where REAUTHENTICATE_AFTER is set. @throws `reauthentication_required` */
  async assertRecentLogin({ userId, sessionId }: Identity, network: string): Promise<void> {
    const { reauthenticateAfterMs: limit } = this.config;
    if (limit === false) return;
    const session = await this.unitOfWork.read.findOneBy(Session, { id: sessionId });
    if (session && this.clock.now().getTime() - session.createdAt.getTime() <= limit) return;
    this.security.log('reauthentication_demanded', { user_id: userId, session_id: sessionId, network });
    throw reauthenticationRequired();
  }

  /**
   * @returns the hash that the password matched: compare it again in the transaction, since the password may be changed meanwhile
   * @throws `wrong_password`, RateLimited, Busy; Unauthenticated where the account is erased
   */
  async check(me: Identity, password: string, network: string): Promise<string> {
    const user = await this.unitOfWork.read.findOneBy(User, { id: me.userId, erasedAt: IsNull() });
    // Erased since the token was checked.
    if (!user) throw sessionRevoked();
    const { passwordHash } = user;
    const attempt = this.limits.passwordAttempt(`user ${me.userId}`, network, () =>
      this.passwords.matches(password, passwordHash, 'owner'),
    );
    const isRight = await attempt.catch((error: unknown) => {
      if (error instanceof RateLimited) this.security.log('locked_out', { user_id: me.userId, network });
      throw error;
    });
    if (isRight) return passwordHash;
    this.security.log('wrong_password', { user_id: me.userId, session_id: me.sessionId, network });
    throw wrongPassword();
  }
}
