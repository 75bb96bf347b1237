import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, type FindOptionsWhere, In, IsNull, LessThan, MoreThan } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import type { Identity } from '../common/identity.js';
import { SecurityLog, type SessionEnd } from '../common/logs/security-log.js';
import { CONFIG, type Config } from '../config/config.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { SessionEnded } from '../domain-events/events.js';
import { batchLoader } from '../database/batch-loader.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { fromMoment, inIds } from '../database/dialect.js';
import type { HeldRow } from '../database/row-locks.js';
import { CommitUnknown, UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { AccessTokens, sessionRevoked, tokenExpired } from './access-tokens.js';
import { Erasure } from './erasure.js';
import { lockSessions, sessionRefusals } from './live-sessions.js';
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

/** Ends those of these sessions that live, and returns how many these were. */
export type EndSessions = (where: FindOptionsWhere<Session>) => Promise<number>;

/** How long to ask a database that broke off in the middle of a COMMIT. */
const LOOK_UP_FOR_MS = 5_000;
/** When no session had expired: only whether it was ended is asked. */
const ALWAYS = new Date(0);
/** Somebody from the time before there was a bound may have thousands: the next login ends the rest. */
const MOST_ENDED_AT_ONCE = 1_000;
/** Remembered longer than a socket's handshake can take. */
const RECENTLY_MS = 60_000;

/** Logins: each is a row, and its token is worth what the row says. */
@Injectable()
export class Sessions implements OnModuleInit {
  /** Each request and each socket asks this. */
  private readonly liveSession = batchLoader((ids) => this.liveSessions(ids));
  private readonly recentlyEnded = new Map<number, NodeJS.Timeout>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly tokens: AccessTokens,
    private readonly publisher: Publisher,
    private readonly presence: Presence,
    private readonly erasure: Erasure,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.events.on('sessionEnded', (ended) => this.closeSockets(ended));
    // They have ended, each of them: see `endAndClose`.
    this.erasure.onErase(async (tx, { id: userId }) => void (await tx.delete(Session, { userId })));
  }

  /** Opens a session; returns its token. */
  async start(tx: EntityManager, userId: number, device: string): Promise<string> {
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + this.config.sessionTtlMs);
    const session = { userId, device: device.slice(0, 200), createdAt: now, expiresAt, revokedAt: null };
    const { identifiers } = await tx.insert(Session, session);
    return this.tokens.sign({ userId, sessionId: (identifiers[0] as { id: number }).id }, expiresAt);
  }

  /** Before one more session: ends the oldest ones where there are as many as there may be. The caller holds the person's row. */
  async makeRoom(tx: EntityManager, userId: number, end: EndSessions): Promise<void> {
    const surplus = await tx.find(Session, {
      select: { id: true },
      where: { userId, revokedAt: IsNull(), expiresAt: MoreThan(this.clock.now()) },
      // Ids count up with the logins.
      order: { id: 'DESC' },
      skip: this.config.sessionsPerUser - 1,
      take: MOST_ENDED_AT_ONCE,
    });
    if (surplus.length > 0) await end({ userId, id: In(surplus.map(({ id }) => id)) });
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
  async end({ sessionId }: Identity): Promise<void> {
    // Its own client asks for it.
    this.publisher.goodbye(sessionId);
    await this.endAndClose('logout', (_tx, end) => end({ id: sessionId }));
  }

  /**
   * Runs `work`, which ends sessions for the reason `by`, in one transaction, and then closes their sockets; also where the answer to the COMMIT was lost.
   * @param isDone asked where the answer to the COMMIT was lost: whether it happened. Without it, the sessions' rows tell: enough where
   *   nothing but their end is told of the transaction
   * @throws as UnitOfWork.run
   */
  async endAndClose<T>(
    by: SessionEnd,
    work: (tx: EntityManager, end: EndSessions) => Promise<T>,
    isDone?: (tx: EntityManager) => Promise<boolean>,
  ): Promise<T> {
    // By the last try: the transaction may run again.
    let ended: Identity[] = [];
    try {
      return await this.unitOfWork.run((tx) => {
        ended = [];
        return work(tx, async (where) => {
          const sessions = await this.endWhere(tx, where);
          for (const session of sessions) this.events.record(tx, 'sessionEnded', { ...session, by });
          ended.push(...sessions);
          return sessions.length;
        });
      });
    } catch (error) {
      if (error instanceof CommitUnknown && ended.length > 0) await this.closeWhereEnded(ended, error, isDone);
      throw error;
    }
  }

  /** The rows tell whether the sessions have ended. Nothing else would: another try finds none that it could end. */
  private async closeWhereEnded(
    sessions: Identity[],
    unknown: CommitUnknown,
    isDone?: (tx: EntityManager) => Promise<boolean>,
  ): Promise<void> {
    const ids = sessions.map(({ sessionId }) => sessionId);
    const until = performance.now() + LOOK_UP_FOR_MS;
    // One transaction ended all of them, or none. (A session that another one ended meanwhile is closed by that.)
    const haveEnded = async (tx: EntityManager): Promise<boolean> => {
      const refusalOf = await sessionRefusals(tx, ids, ALWAYS);
      return ids.every((id) => refusalOf(id));
    };
    const known = await this.unitOfWork.settle(unknown, isDone ?? haveEnded, () => performance.now() < until);
    // Sockets of sessions that go on reconnect.
    if (known === undefined) for (const id of ids) this.publisher.closeSession(id, unknown);
  }

  /** Inside the caller's transaction: the session lives, and will until the commit. @throws Unauthenticated */
  async assertLive(tx: EntityManager, { sessionId }: Identity): Promise<void> {
    const refusalOf = await sessionRefusals(tx, [sessionId], this.clock.now());
    const refusal = refusalOf(sessionId);
    if (refusal) throw refusal;
  }

  /**
   * What somebody changes, in one transaction: it is stored while their session lives, or not at all. The session is locked last, behind
   * the chats and people of `work`, since whoever ends sessions locks their person first. Options as of UnitOfWork.run. @throws Unauthenticated; as UnitOfWork.run
   */
  write<T>(me: Identity, work: (tx: EntityManager) => Promise<T>, options: { first?: HeldRow } = {}): Promise<T> {
    return this.unitOfWork.run(async (tx) => {
      const result = await work(tx);
      await this.assertLive(tx, me);
      return result;
    }, options);
  }

  private async endWhere(tx: EntityManager, where: FindOptionsWhere<Session>): Promise<Identity[]> {
    const live = await tx.find(Session, {
      select: { id: true, userId: true },
      where: { ...where, revokedAt: IsNull() },
      order: { id: 'ASC' },
    });
    const ids = live.map(({ id }) => id);
    if (ids.length === 0) return [];
    await lockSessions(tx, ids);
    await tx.update(Session, { id: In(ids) }, { revokedAt: this.clock.now() });
    return live.map(({ id, userId }) => ({ sessionId: id, userId }));
  }

  private closeSockets({ userId, sessionId, by }: SessionEnded): void {
    this.security.tell('session_ended', { user_id: userId, session_id: sessionId, by });
    clearTimeout(this.recentlyEnded.get(sessionId));
    this.recentlyEnded.set(sessionId, setTimeout(() => this.recentlyEnded.delete(sessionId), RECENTLY_MS).unref());
    this.publisher.closeSession(sessionId, sessionRevoked());
    this.presence.endGrace({ userId, sessionId });
  }

  /** A socket in the middle of its handshake cannot be closed yet: it asks here once it can. */
  hasRecentlyEnded(sessionId: number): boolean {
    return this.recentlyEnded.has(sessionId);
  }

  /** Forgets sessions that nobody can use any more. */
  async sweep(endedBefore: Date): Promise<void> {
    await deleteInSlices(this.unitOfWork, Session, { expiresAt: LessThan(endedBefore) });
  }
}
