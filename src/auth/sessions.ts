import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, type FindOptionsWhere, In, IsNull, LessThan, Not } from 'typeorm';
import { Clock } from '../common/clock.js';
import type { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { CONFIG, type Config } from '../config/config.js';
import { askTogether } from '../database/ask-together.js';
import { fromMoment, inIds } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../realtime/presence.js';
import { Publisher } from '../realtime/publisher.js';
import { AccessTokens, sessionRevoked, tokenExpired } from './access-tokens.js';
import { Erasure } from './erasure.js';
import { sessionRefusals } from './live-sessions.js';
import { Session } from './session.entity.js';

/** A session that lives, and until when. */
export interface LiveSession extends Identity {
  expiresAt: Date;
}

interface SessionRow {
  id: number;
  user_id: number;
  expires_at: string | Date;
}

/** Remembered longer than a socket's handshake can take. */
const RECENTLY_MS = 60_000;

/** Logins: each is a row, and its token is worth what the row says. */
@Injectable()
export class Sessions implements OnModuleInit {
  /** Each request and each socket asks this. */
  private readonly liveSession = askTogether((ids) => this.liveSessions(ids));
  private readonly recentlyEnded = new Map<number, NodeJS.Timeout>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly tokens: AccessTokens,
    private readonly publisher: Publisher,
    private readonly presence: Presence,
    private readonly erasure: Erasure,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id: userId }) => {
      const ended = await this.endAll(tx, userId);
      await tx.delete(Session, { userId });
      return () => {
        this.closeSockets(ended);
        this.presence.endGrace(userId);
      };
    });
  }

  /** Opens a session; returns its token. */
  async start(tx: EntityManager, userId: number, device: string): Promise<string> {
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + this.config.sessionTtlMs);
    const session = { userId, device: device.slice(0, 200), createdAt: now, expiresAt, revokedAt: null };
    const { identifiers } = await tx.insert(Session, session);
    return this.tokens.sign({ userId, sessionId: (identifiers[0] as { id: number }).id }, expiresAt);
  }

  /** Who the token speaks for, if its session still lives. @throws Unauthenticated */
  async authenticate(token: string): Promise<LiveSession> {
    const identity = this.tokens.read(token);
    const row = await this.liveSession(identity.sessionId);
    if (row?.user_id !== identity.userId) throw sessionRevoked();
    const expiresAt = fromMoment(row.expires_at);
    if (expiresAt <= this.clock.now()) throw tokenExpired();
    return { ...identity, expiresAt };
  }

  private async liveSessions(ids: readonly number[]): Promise<(SessionRow | undefined)[]> {
    const { sql, values } = inIds('id', ids);
    const rows = await this.unitOfWork.read.query<SessionRow[]>(
      `SELECT id, user_id, expires_at FROM sessions WHERE ${sql} AND revoked_at IS NULL`,
      values,
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  }

  /** Ends one session: when this resolves, its token is refused and its sockets are closed. */
  async end({ userId, sessionId }: Identity): Promise<void> {
    await this.unitOfWork.run((tx) =>
      tx.update(Session, { id: sessionId, revokedAt: IsNull() }, { revokedAt: this.clock.now() }),
    );
    this.closeSockets([sessionId]);
    this.presence.endGrace(userId);
  }

  /** Inside the caller's transaction: the session lives, and will until the commit. @throws Unauthenticated */
  async assertLive(tx: EntityManager, { sessionId }: Identity): Promise<void> {
    const refusalOf = await sessionRefusals(tx, [sessionId], this.clock.now());
    const refusal = refusalOf(sessionId);
    if (refusal) throw refusal;
  }

  /**
   * What somebody changes, in one transaction: it is stored while their session lives, or not at all. The session is locked last, behind
   * the chats and people of `work`, since whoever ends sessions locks their person first. @throws Unauthenticated; as UnitOfWork.run
   */
  write<T>(me: Identity, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.unitOfWork.run(async (tx) => {
      const result = await work(tx);
      await this.assertLive(tx, me);
      return result;
    });
  }

  /** Ends a user's sessions but one, inside the caller's transaction. Pass the result to `closeSockets` after the commit. */
  endOthers(tx: EntityManager, { userId, sessionId }: Identity): Promise<number[]> {
    return this.endWhere(tx, { userId, id: Not(sessionId) });
  }

  /** Ends all of a user's sessions, in the same way. */
  endAll(tx: EntityManager, userId: number): Promise<number[]> {
    return this.endWhere(tx, { userId });
  }

  private async endWhere(tx: EntityManager, where: FindOptionsWhere<Session>): Promise<number[]> {
    const live = await tx.find(Session, { select: { id: true }, where: { ...where, revokedAt: IsNull() } });
    const ids = live.map(({ id }) => id);
    if (ids.length > 0) await tx.update(Session, { id: In(ids) }, { revokedAt: this.clock.now() });
    return ids;
  }

  /** Closes the sockets of sessions that have ended. */
  closeSockets(sessionIds: number[], reason: DomainError = sessionRevoked()): void {
    for (const id of sessionIds) {
      clearTimeout(this.recentlyEnded.get(id));
      this.recentlyEnded.set(id, setTimeout(() => this.recentlyEnded.delete(id), RECENTLY_MS).unref());
      this.publisher.closeSession(id, reason);
    }
  }

  /** A socket in the middle of its handshake cannot be closed yet: it asks here once it can. */
  hasRecentlyEnded(sessionId: number): boolean {
    return this.recentlyEnded.has(sessionId);
  }

  /** Forgets sessions that nobody can use any more. */
  async sweep(tx: EntityManager, endedBefore: Date): Promise<void> {
    await tx.delete(Session, { expiresAt: LessThan(endedBefore) });
  }
}
