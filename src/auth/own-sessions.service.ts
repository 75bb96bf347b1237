import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import { NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { lockUser } from '../identity/accounts.js';
import type { SessionView } from './dto/session.dto.js';
import { Session } from '../identity/session.entity.js';
import { Sessions } from '../identity/sessions.js';

/** A user's own sessions: lists them, and ends those that the user does not know. */
@Injectable()
export class OwnSessionsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly clock: Clock,
  ) {}

  /** The sessions that live, newest first. */
  async list(me: Identity, cursor?: string): Promise<Page<SessionView>> {
    const page = await this.listOf(me.userId, cursor);
    return { ...page, rows: page.rows.map((session) => ({ ...session, current: session.id === me.sessionId })) };
  }

  /** The same of anybody. */
  async listOf(userId: number, cursor?: string): Promise<Page<Omit<SessionView, 'current'>>> {
    const [before] = readCursor(cursor, ['number']) ?? [];
    const rows = await this.unitOfWork.read.find(Session, {
      where: {
        userId,
        revokedAt: IsNull(),
        expiresAt: MoreThan(this.clock.now()),
        ...(before !== undefined && { id: LessThan(Number(before)) }),
      },
      // Ids count up with the logins.
      order: { id: 'DESC' },
      take: LIST_LIMIT + 1,
    });
    const page = toPage(rows, ({ id }) => [id]);
    return { ...page, rows: page.rows.map(toView) };
  }

  /**
   * Ends one session, which may be the one that asks: when this resolves, it can store nothing more, and its sockets are closed.
   * @throws NotFound for another user's session, and for one that has ended
   */
  async end(me: Identity, sessionId: number): Promise<void> {
    if (sessionId === me.sessionId) return this.sessions.end(me);
    await this.sessions.endAndClose('owner', async (tx, end) => {
      await this.hold(tx, me);
      const ended = await end({ id: sessionId, userId: me.userId, expiresAt: MoreThan(this.clock.now()) });
      if (ended === 0) throw new NotFound('session');
    });
  }

  /** Ends all sessions but the one that asks. */
  async endOthers(me: Identity): Promise<void> {
    await this.sessions.endAndClose('owner', async (tx, end) => {
      await this.hold(tx, me);
      await end({ userId: me.userId, id: Not(me.sessionId) });
    });
  }

  /** Of two sessions that end each other at once, one is first. @throws Unauthenticated to the other */
  private async hold(tx: EntityManager, me: Identity): Promise<void> {
    await lockUser(tx, me.userId);
    await this.sessions.assertLive(tx, me);
  }
}

const toView = ({ id, device, createdAt, expiresAt }: Session): Omit<SessionView, 'current'> => ({
  id,
  device,
  created_at: createdAt.toISOString(),
  expires_at: expiresAt.toISOString(),
});
