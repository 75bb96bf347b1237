import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { sessionRevoked } from '../auth/access-tokens.js';
import { Passwords } from '../auth/passwords.js';
import { User } from '../auth/user.entity.js';
import { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { RateLimits } from '../common/rate-limits.js';
import { UnitOfWork } from '../database/unit-of-work.js';

export const wrongPassword = () =>
  new DomainError('forbidden', 'wrong_password', 'This is not your password. Nothing was changed.');

/** Somebody who is logged in shows that they know the password, too. */
@Injectable()
export class OwnPassword {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly limits: RateLimits,
  ) {}

  /**
   * Returns the hash that the password matched: it may have been changed by the time that the caller writes.
   * @throws `wrong_password`, RateLimited, Busy; Unauthenticated where there is no account any more
   */
  async check(me: Identity, password: string, network: string): Promise<string> {
    const user = await this.unitOfWork.read.findOneBy(User, { id: me.userId, erasedAt: IsNull() });
    // Erased since the token was looked at.
    if (!user) throw sessionRevoked();
    const { passwordHash } = user;
    const isRight = await this.limits.passwordAttempt(`user ${me.userId}`, network, () =>
      this.passwords.matches(password, passwordHash, 'owner'),
    );
    if (!isRight) throw wrongPassword();
    return passwordHash;
  }
}
