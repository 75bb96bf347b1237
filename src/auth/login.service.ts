import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { DomainError, RateLimited } from '../common/errors.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { lockUser } from '../identity/accounts.js';
import { AccessTokens, suspended } from '../identity/access-tokens.js';
import type { LoginRequest } from './dto/login.dto.js';
import { Passwords } from '../identity/passwords.js';
import { Session } from '../identity/session.entity.js';
import { type EndSessions, Sessions } from '../identity/sessions.js';
import { User } from '../identity/user.entity.js';

const refused = () =>
  new DomainError('unauthenticated', 'login_failed', 'The e-mail address or the password is wrong.');

@Injectable()
export class LoginService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly limits: RateLimits,
    private readonly tokens: AccessTokens,
    private readonly security: SecurityLog,
  ) {}

  /**
   * Returns an access token. Past SESSIONS_PER_USER, the oldest session ends.
   * @throws RateLimited, Busy; one and the same error, in the same time, for an unknown address and a wrong password; `suspended`, to those
   *   who know the password
   */
  async login({ email, password }: LoginRequest, client: { network: string; device: string }): Promise<string> {
    const user = await this.check(email, password, client.network);
    const starting = async (tx: EntityManager, end: EndSessions): Promise<string> => {
      // Held, so that of two logins at once the second counts the first one's session.
      const current = await lockUser(tx, user.id);
      // The password may have been changed while it was checked, which ended all sessions: no new one may begin then.
      if (current?.password_hash !== user.passwordHash) throw refused();
      if (current.suspended_at !== null) throw suspended();
      await this.sessions.makeRoom(tx, user.id, end);
      return this.sessions.start(tx, user.id, client.device);
    };
    const login = this.sessions.endAndClose('limit', starting, async (tx, started) => {
      await lockUser(tx, user.id);
      return tx.existsBy(Session, { id: this.tokens.read(started).sessionId, userId: user.id });
    });
    const token = await login.catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'suspended')
        this.security.log('suspended_login', { user_id: user.id, network: client.network });
      throw error;
    });
    const { userId: user_id, sessionId: session_id } = this.tokens.read(token);
    this.security.log('login', { user_id, session_id, network: client.network });
    return token;
  }

  private async check(email: string, password: string, network: string): Promise<User> {
    let user = null as User | null;
    const attempt = this.limits.loginAttempt(email, network, async () => {
      // In here, so that nothing is read for those who have used up their attempts.
      user = await this.unitOfWork.read.findOneBy(User, { email, erasedAt: IsNull() });
      return this.passwords.matches(password, user?.passwordHash, 'login');
    });
    const isRight = await attempt.catch((error: unknown) => {
      if (error instanceof RateLimited) this.security.log('locked_out', { network });
      throw error;
    });
    if (isRight && user) return user;
    this.security.log('login_failed', { ...(user && { user_id: user.id }), network });
    throw refused();
  }
}
