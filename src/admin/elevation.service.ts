import { Injectable } from '@nestjs/common';
import { OwnPassword, wrongPassword } from '../auth/own-password.js';
import type { Identity } from '../common/identity.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { Clock } from '../common/timing/clock.js';
import { lockUser } from '../identity/accounts.js';
import { Session } from '../identity/session.entity.js';
import { Sessions } from '../identity/sessions.js';
import type { ElevationView } from './dto/elevation.dto.js';

const ELEVATED_FOR_MS = 15 * 60_000;

/** Lets a session use the routes of its user's role, for a while: a token that was stolen is not enough for them. */
@Injectable()
export class ElevationService {
  constructor(
    private readonly ownPassword: OwnPassword,
    private readonly sessions: Sessions,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
  ) {}

  /** @throws `wrong_password`, RateLimited, Busy; Unauthenticated where the session has ended */
  async elevate(me: Identity, password: string, network: string): Promise<ElevationView> {
    const checked = await this.ownPassword.check(me, password, network);
    const until = new Date(this.clock.now().getTime() + ELEVATED_FOR_MS);
    const session = { id: me.sessionId, userId: me.userId };
    await this.sessions.write(
      me,
      async (tx) => {
        const user = await lockUser(tx, me.userId);
        if (user?.password_hash !== checked) throw wrongPassword();
        await tx.update(Session, session, { elevatedUntil: until });
      },
      { isDone: (tx) => tx.existsBy(Session, { ...session, elevatedUntil: until }) },
    );
    this.security.log('elevated', { user_id: me.userId, session_id: me.sessionId, network });
    return { elevated_until: until.toISOString() };
  }
}
