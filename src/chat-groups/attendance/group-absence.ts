import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Leases } from '../../cluster/leases.js';
import type { Lease } from '../../database/held-lease.js';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { Batcher } from '../../common/timing/batcher.js';
import { logLine } from '../../common/logs/log-line.js';
import { type LockedMember, lockConversations, lockMembers } from '../../conversations/conversation-locks.js';
import { chunks } from '../../database/chunks.js';
import { inTuples, placeholders } from '../../database/dialect.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import type { MembersWentOffline } from '../../domain-events/events.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Audience } from '../../people/audience.js';
import { OFFLINE_AFTER_MS, Presence } from '../../sockets/presence.js';
import { Publisher } from '../../sockets/publisher.js';
import { WhoIsIn } from '../../people/who-is-in.js';
import { MarksOfGone } from './marks-of-gone.js';
import { UserMutex } from './user-mutex.js';

/** After a start, members who were in a group have this long to come back. */
export const COME_BACK_WITHIN_MS = 30_000;
/** How often members are looked for who are in a group and offline. */
const LOOK_EVERY_MS = 60_000;
/** Users of one transaction: thousands go offline at once when a network breaks. */
const AT_ONCE = 200;

/**
 * Cleans up after members who disconnect without leaving their groups. When their last socket closes, their read marks move to what had been
 * published to it when it was last heard; once they are offline, they are taken out of all groups.
 */
@Injectable()
export class GroupAbsence implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new CalmLogger('Groups');
  /** Users who entered without a socket, until their time to open one is over. */
  private readonly expected = new Map<number, NodeJS.Timeout>();
  /** Many go offline at once when a network breaks, and are taken out together. */
  private readonly gone: Batcher<number, true>;
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly userMutex: UserMutex,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly whoIsIn: WhoIsIn,
    private readonly marks: MarksOfGone,
    private readonly audience: Audience,
    private readonly events: DomainEvents,
    private readonly leases: Leases,
  ) {
    this.gone = new Batcher('Taking users who went offline out of their groups', 0, (gone) =>
      this.takeOut([...gone.keys()]),
    );
  }

  onModuleInit(): void {
    this.events.on('disconnected', ({ userId, heardAt }) => this.markWhenGone(userId, heardAt));
    this.events.on('wentOffline', ({ userId, isOurs }) => {
      if (isOurs) this.gone.add(userId, true);
    });
    this.events.on('movedAway', ({ userId }) =>
      this.userMutex.run([userId], async () => {
        if (!this.presence.isHere(userId)) this.whoIsIn.forget(userId);
      }),
    );
    this.events.on('groupEntered', ({ userId }) => this.expectSocket(userId));
    this.events.on('memberJoined', ({ userId, isIn }) => {
      if (isIn) this.expectSocket(userId);
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.expectThoseBefore();
    const failed = (error: unknown) =>
      this.logger.error(
        `Taking members who are offline out of their groups failed, and is tried again in a minute: ${logLine(error)}`,
      );
    // Again and again, not only after the start: the database may be away at the moment in which a user goes offline.
    this.leases.repeat('absent members', { everyMs: LOOK_EVERY_MS, firstMs: COME_BACK_WITHIN_MS, failed }, (lease) =>
      this.takeOutAbsent(lease),
    );
  }

  /** All sockets are about to close. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    for (const timer of this.expected.values()) clearTimeout(timer);
    await this.gone.stop();
    for (const userId of this.presence.allHere()) {
      if (!this.presence.isConnected(userId)) continue;
      this.marks.note(userId, Math.max(this.publisher.reachedUntil(userId), this.presence.heardAt(userId)));
    }
    await this.marks.stop();
  }

  /** A user who enters without a socket has as long to open one as after the loss of one, from the last time that they entered. */
  private expectSocket(userId: number): void {
    if (this.presence.isConnected(userId)) return;
    clearTimeout(this.expected.get(userId));
    const timer = setTimeout(() => {
      this.expected.delete(userId);
      if (!this.presence.isOnline(userId)) this.gone.add(userId, true);
    }, OFFLINE_AFTER_MS).unref();
    this.expected.set(userId, timer);
  }

  /**
   * The last socket of a user closed. What was sent to it before its client was last heard counts as read. What was sent later may never
   * have arrived, and counts as unread. A client that closes its socket is heard by that: then all is read.
   */
  private markWhenGone(userId: number, heardAt: number): void {
    if (!this.isStopping) this.marks.note(userId, heardAt);
  }

  /** Users who are offline are in no group. Their marks stay where they were when their last socket closed. */
  private async takeOut(userIds: number[]): Promise<void> {
    // By group, looked up in memory before the first user is taken out: a large group must not count as small because most have just left.
    const viewers = new Map<number, readonly number[] | undefined>();
    for (const some of chunks(userIds, AT_ONCE)) await this.takeOutTogether(some, viewers);
  }

  private takeOutTogether(userIds: number[], viewers: Map<number, readonly number[] | undefined>): Promise<void> {
    return this.userMutex.run(userIds, async () => {
      // Marks are moved only for members who are in: so that is done first, and where it fails, nobody is taken out yet.
      await this.marks.stored();
      const candidates = userIds.filter((userId) => this.isAbsent(userId));
      if (candidates.length === 0 || this.isStopping) return;
      const takingOut = async (tx: EntityManager): Promise<LockedMember[]> => {
        // They enter no other group meanwhile: that would take their turn.
        const chats = await tx.query<{ id: number }[]>(
          `SELECT DISTINCT conversation_id AS id FROM members WHERE is_in = 1 AND user_id IN (${placeholders(candidates)})`,
          candidates,
        );
        await lockConversations(
          tx,
          chats.map(({ id }) => id),
        );
        const isIn = `is_in = 1 AND user_id IN (${placeholders(candidates)})`;
        const rows = await lockMembers(tx, isIn, candidates);
        const online = await this.onlineByRows(tx, candidates);
        const gone = rows.filter((row) => this.isAbsent(row.user_id) && !online.has(row.user_id));
        if (gone.length === 0) return gone;
        const ids = [...new Set(gone.map((row) => row.user_id))];
        await this.findViewers(tx, gone, viewers);
        await tx.query(`UPDATE members SET is_in = 0 WHERE is_in = 1 AND user_id IN (${placeholders(ids)})`, ids);
        this.events.record(tx, 'membersWentOffline', this.toEvent(gone, viewers));
        return gone;
      };
      await this.unitOfWork.run(takingOut, { isDone: areOut });
      // Also where an earlier try was committed without an answer, so that this one found nobody to take out.
      for (const userId of candidates) if (this.isAbsent(userId)) this.whoIsIn.forget(userId);
    });
  }

  private toEvent(
    gone: LockedMember[],
    viewers: ReadonlyMap<number, readonly number[] | undefined>,
  ): MembersWentOffline {
    const members = gone.map((row) => {
      const { conversation_id: groupId, user_id: userId, last_read_seq: lastReadSeq } = row;
      return { groupId, userId, lastReadSeq };
    });
    return { members, viewers };
  }

  private async findViewers(
    tx: EntityManager,
    gone: LockedMember[],
    viewers: Map<number, readonly number[] | undefined>,
  ): Promise<void> {
    const groupIds = [...new Set(gone.map((row) => row.conversation_id))].filter((groupId) => !viewers.has(groupId));
    const small = await this.audience.smallOf(groupIds, tx);
    for (const groupId of groupIds)
      viewers.set(groupId, small.has(groupId) ? [...this.audience.inSmallGroup(groupId)] : undefined);
  }

  /** With many nodes: whom another node has by now. Its news may be late. */
  private async onlineByRows(tx: EntityManager, userIds: readonly number[]): Promise<ReadonlySet<number>> {
    if (!this.leases.isShared) return NOBODY;
    const rows = await tx.query<{ user_id: number }[]>(
      `SELECT user_id FROM online_people WHERE user_id IN (${placeholders(userIds)})`,
      [...userIds],
    );
    return new Set(rows.map(({ user_id }) => user_id));
  }

  private isAbsent(userId: number): boolean {
    return !this.presence.isOnline(userId) && !this.expected.has(userId);
  }

  private async takeOutAbsent(lease: Lease): Promise<void> {
    let absent = await this.absent();
    if (this.leases.isShared && absent.length > 0) {
      // Somebody who has just entered at another node is expected there, not here. They are if they are absent still when that time is over.
      await sleep(2 * OFFLINE_AFTER_MS, undefined, { signal: lease.signal, ref: false });
      const before = new Set(absent);
      absent = (await this.absent()).filter((userId) => before.has(userId));
    }
    if (!lease.isHeld) return;
    await this.takeOut(absent);
    this.whoIsIn.seedCounts(new Map());
  }

  /** Users who are in a group and offline. */
  private async absent(): Promise<number[]> {
    const rows = await this.unitOfWork.readUnhurried((manager) =>
      manager.query<{ user_id: number }[]>('SELECT DISTINCT user_id FROM members WHERE is_in = 1'),
    );
    return rows.map((row) => row.user_id).filter((userId) => this.isAbsent(userId));
  }

  /** After a restart, a group counts as large as it was, while its members come back one by one. */
  private async expectThoseBefore(): Promise<void> {
    // With many nodes, the others go on: how many are in a group is asked of the rows.
    if (this.leases.isShared) return;
    const rows = await this.unitOfWork.readUnhurried((manager) =>
      manager.query<{ id: number; count: number | string }[]>(
        'SELECT conversation_id AS id, COUNT(*) AS count FROM members WHERE is_in = 1 GROUP BY conversation_id',
      ),
    );
    this.whoIsIn.seedCounts(new Map(rows.map(({ id, count }) => [id, Number(count)])));
  }
}

const NOBODY: ReadonlySet<number> = new Set();

/** Whether these members were taken out. They cannot have entered again meanwhile: that would take their turn. */
async function areOut(tx: EntityManager, gone: readonly LockedMember[]): Promise<boolean> {
  if (gone.length === 0) return true;
  await lockConversations(
    tx,
    gone.map((row) => row.conversation_id),
  );
  const { sql, values } = inTuples(
    tx,
    'conversation_id, user_id',
    gone.map((row) => [row.conversation_id, row.user_id]),
  );
  const left = await tx.query<object[]>(`SELECT 1 FROM members WHERE ${sql} AND is_in = 1 LIMIT 1`, values);
  return left.length === 0;
}
