import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, type FindOptionsWhere, In, IsNull, LessThan, MoreThan } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import type { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { SecurityLog, type SessionEnd } from '../common/logs/security-log.js';
import { CONFIG, type Config } from '../config/config.js';
import { Recheck } from '../cluster/recheck.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { chunks } from '../database/chunks.js';
import { batchLoader } from '../database/batch-loader.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { fromMoment, inIds } from '../database/dialect.js';
import { insertId } from '../database/insert-id.js';
import type { HeldRow } from '../database/row-locks.js';
import { CommitUnknown, type IsDone, UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { AccessTokens, sessionRevoked, suspended, tokenExpired } from './access-tokens.js';
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

/** Ends those of these sessions that live. @param by where it is another reason than the transaction's @returns their number */
export type EndSessions = (where: FindOptionsWhere<Session>, by?: SessionEnd) => Promise<number>;

/** Before any session expired: to ask only whether a session was ended. */
const ALWAYS = new Date(0);
/** A user may have thousands from a time with a higher SESSIONS_PER_USER: the next login ends the rest. */
const MOST_ENDED_AT_ONCE = 1_000;
/** How long ended sessions are remembered: longer than a socket's handshake can take. */
const RECENTLY_MS = 60_000;

/** Sessions: each is a row, and its token is valid as long as the row says. */
@Injectable()
export class Sessions implements OnModuleInit {
  /** Each request and each new socket needs one. */
  private readonly liveSession = batchLoader((ids) => this.liveSessions(ids));
  /** With what their sockets were told. Local to a node, as sockets are. */
  private readonly recentlyEnded = new Map<number, { reason: DomainError; timer: NodeJS.Timeout }>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly tokens: AccessTokens,
    private readonly publisher: Publisher,
    private readonly presence: Presence,
    private readonly erasure: Erasure,
    private readonly events: DomainEvents,
    private readonly recheck: Recheck,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.events.on('sessionEnded', (ended) => {
      const { userId, sessionId, by } = ended;
      this.security.log('session_ended', { user_id: userId, session_id: sessionId, by });
      this.closeSockets(ended);
    });
    this.events.onElsewhere('sessionEnded', (ended) => this.closeSockets(ended));
    this.recheck.on(() => this.closeEnded(), { first: true });
    // All of them have ended by now: see `endAndClose`.
    this.erasure.onErase(async (tx, { id: userId }) => void (await tx.delete(Session, { userId })));
  }

  /** Opens a session; returns its token. */
  async start(tx: EntityManager, userId: number, device: string): Promise<string> {
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + this.config.sessionTtlMs);
    const session = { userId, device: device.slice(0, 200), createdAt: now, expiresAt, revokedAt: null };
    return this.tokens.sign({ userId, sessionId: await insertId(tx, Session, session) }, expiresAt);
  }

  /** Before a new session: ends the oldest ones where there are SESSIONS_PER_USER. The caller holds the user's row. */
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

  /** The user and session of a token, if the session still lives. @throws Unauthenticated */
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
    // Its own client asks for it, and has read everything up to now.
    this.publisher.goodbye(sessionId);
    await this.endAndClose('logout', (_tx, end) => end({ id: sessionId }));
  }

  /**
   * Runs `work`, which ends sessions for the reason `by`, in one transaction, and then closes their sockets; also where it stays unknown
   * whether a COMMIT without an answer was carried out.
   * @param isDone as of UnitOfWork.run. Without it, the sessions' rows are asked: enough where the transaction changes nothing else
   * @param first as of UnitOfWork.run
   * @throws as UnitOfWork.run
   */
  async endAndClose<T>(
    by: SessionEnd,
    work: (tx: EntityManager, end: EndSessions) => Promise<T>,
    isDone?: IsDone<T>,
    first?: HeldRow,
  ): Promise<T> {
    // By the last try: the transaction may run again.
    let ended: number[] = [];
    const ending = (tx: EntityManager): Promise<T> => {
      ended = [];
      return work(tx, async (where, reason = by) => {
        const sessions = await this.endWhere(tx, where);
        for (const session of sessions) this.events.record(tx, 'sessionEnded', { ...session, by: reason });
        ended.push(...sessions.map(({ sessionId }) => sessionId));
        return sessions.length;
      });
    };
    try {
      const result = await this.unitOfWork.run(ending, { first, isDone: isDone ?? ((tx) => haveEnded(tx, ended)) });
      await this.events.heardElsewhere();
      return result;
    } catch (error) {
      // Clients whose session lives connect again.
      if (error instanceof CommitUnknown) for (const id of ended) this.publisher.closeSession(id, error);
      throw error;
    }
  }

  /** Inside the caller's transaction: the session lives, and will until the commit. @throws Unauthenticated */
  async assertLive(tx: EntityManager, { sessionId }: Identity): Promise<void> {
    const refusalOf = await sessionRefusals(tx, [sessionId], this.clock.now());
    const refusal = refusalOf(sessionId);
    if (refusal) throw refusal;
  }

  /**
   * Runs a change of a user's in one transaction, which is committed only while their session lives. The session is locked last, after the
   * chats and users of `work`, since a transaction that ends sessions locks the user first. Options as of UnitOfWork.run; `isDone` need not
   * lock anything. @throws Unauthenticated; as UnitOfWork.run
   */
  write<T>(
    me: Identity,
    work: (tx: EntityManager) => Promise<T>,
    { first, isDone }: { first?: HeldRow; isDone: IsDone<T> },
  ): Promise<T> {
    const writing = async (tx: EntityManager): Promise<T> => {
      const result = await work(tx);
      await this.assertLive(tx, me);
      return result;
    };
    return this.unitOfWork.run(writing, {
      first,
      // The transaction holds the session, until the server has committed it or rolled it back.
      isDone: async (tx, result) => {
        await lockSessions(tx, [me.sessionId]);
        return isDone(tx, result);
      },
    });
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

  /** Closes sockets of sessions that other nodes have ended. */
  private async closeEnded(): Promise<void> {
    for (const some of chunks(this.publisher.localSessions())) {
      const live = await this.liveSessions(some.map(({ sessionId }) => sessionId));
      const ended = some.filter((_, i) => !live[i]);
      if (ended.length === 0) continue;
      // After the sessions, which end in the transaction of the suspension.
      const isSuspended = await this.suspendedAmong(ended.map(({ userId }) => userId));
      for (const identity of ended)
        this.closeSockets({ ...identity, ...(isSuspended.has(identity.userId) && { by: 'suspension' }) });
    }
  }

  private async suspendedAmong(userIds: readonly number[]): Promise<ReadonlySet<number>> {
    const { sql, values } = inIds('id', userIds);
    const rows = await this.unitOfWork.read.query<{ id: number }[]>(
      `SELECT id FROM users WHERE ${sql} AND suspended_at IS NOT NULL`,
      values,
    );
    return new Set(rows.map(({ id }) => id));
  }

  private closeSockets({ userId, sessionId, by }: Identity & { by?: SessionEnd }): void {
    const reason = by === 'suspension' ? suspended() : sessionRevoked();
    clearTimeout(this.recentlyEnded.get(sessionId)?.timer);
    const timer = setTimeout(() => this.recentlyEnded.delete(sessionId), RECENTLY_MS).unref();
    this.recentlyEnded.set(sessionId, { reason, timer });
    this.publisher.closeSession(sessionId, reason);
    this.presence.endGrace({ userId, sessionId });
  }

  /** Why the session has ended. A socket in its handshake cannot be closed yet: this is asked once it can be. */
  recentEnd(sessionId: number): DomainError | undefined {
    return this.recentlyEnded.get(sessionId)?.reason;
  }

  /** Deletes sessions that expired before `endedBefore`. */
  async sweep(endedBefore: Date): Promise<void> {
    await deleteInSlices(this.unitOfWork, Session, { expiresAt: LessThan(endedBefore) });
  }
}

/** One transaction ended all of them, or none. A session that another one ended meanwhile is closed by that. */
async function haveEnded(tx: EntityManager, sessionIds: readonly number[]): Promise<boolean> {
  if (sessionIds.length === 0) return true;
  const refusalOf = await sessionRefusals(tx, sessionIds, ALWAYS);
  return sessionIds.every((id) => refusalOf(id));
}
