import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { RateLimits } from '../common/rate-limits.js';
import { forShare } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { LoginRequest } from './dto/login.dto.js';
import { Passwords } from './passwords.js';
import { Sessions } from './sessions.js';
import { User } from './user.entity.js';

const refused = () =>
  new DomainError('unauthenticated', 'login_failed', 'The e-mail address or the password is wrong.');

@Injectable()
export class LoginService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly limits: RateLimits,
  ) {}

  /**
   * Returns an access token.
   * @throws RateLimited, Busy; one and the same error, in the same time, for an unknown address and a wrong password
   */
  async login({ email, password }: LoginRequest, client: { ip: string; device: string }): Promise<string> {
    const user = await this.unitOfWork.read.findOneBy(User, { email, erasedAt: IsNull() });
    const isRight = await this.limits.passwordAttempt(email, client.ip, () =>
      this.passwords.matches(password, user?.passwordHash),
    );
    if (!isRight || !user) throw refused();
    return this.unitOfWork.run(async (tx) => {
      // The password may have been changed while it was checked: that ended all sessions, and must end this one too.
      const [current] = await tx.query<{ password_hash: string }[]>(
        `SELECT password_hash FROM users WHERE id = ? ${forShare(tx)}`,
        [user.id],
      );
      if (current?.password_hash !== user.passwordHash) throw refused();
      return this.sessions.start(tx, user.id, client.device);
    });
  }
}
