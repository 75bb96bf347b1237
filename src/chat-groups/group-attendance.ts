import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { PresenceNews } from '../auth/presence-news.js';
import { Sessions } from '../auth/sessions.js';
import { SocketSessions } from '../auth/socket-sessions.js';
import { NotFound } from '../common/errors.js';
import { Gather } from '../common/gather.js';
import type { Identity } from '../common/identity.js';
import { logLine } from '../common/log-line.js';
import type { ReadableChat } from '../conversations/history.js';
import { Member } from '../conversations/member.entity.js';
import { Receipts } from '../conversations/receipts.js';
import { askTogether } from '../database/ask-together.js';
import { forUpdate, inIds, placeholders } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Audience } from '../realtime/audience.js';
import type { ParleySocket } from '../realtime/events.js';
import { OFFLINE_AFTER_MS, Presence } from '../realtime/presence.js';
import { Publisher } from '../realtime/publisher.js';
import { groupRoom, outsideRoom } from '../realtime/rooms.js';
import { WhoIsIn } from '../realtime/who-is-in.js';
import { GroupMembership } from './group-membership.js';
import { GroupNotices } from './group-notices.js';
import { GroupUpdates } from './group-updates.js';
import { PersonTurns } from './person-turns.js';

/** After a start, those who were in a group have this long to come back. */
export const COME_BACK_WITHIN_MS = 30_000;
/** How often to look for those who are in and not here. */
const LOOK_EVERY_MS = 60_000;
/** People of one transaction: thousands go at once when a network does. */
const CHUNK = 200;

interface Membership {
  id: number;
  isIn: boolean;
  lastSeq: number;
}

/**
 * Who is in which group right now. It is a person who is in, not a socket: the last word of any of their devices counts. It is
 * stored, so that it survives a restart, and ends when they go offline.
 */
@Injectable()
export class GroupAttendance implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(GroupAttendance.name);
  /** People who entered without a socket, until their time to open one is over. */
  private readonly expected = new Map<number, NodeJS.Timeout>();
  /** Read marks that are still to be moved, by group and seq. */
  private toMark = new Map<string, { groupId: number; seq: number; userIds: number[] }>();
  private marking: Promise<void> = Promise.resolve();
  /** Many go at once when a network does, and are taken out together. */
  private readonly gone: Gather<number, true>;
  private absentTimer?: NodeJS.Timeout;
  private isStopping = false;
  private readonly membershipsOf = askTogether((userIds) => this.memberships(userIds));

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly membership: GroupMembership,
    private readonly turns: PersonTurns,
    private readonly sessions: Sessions,
    private readonly sockets: SocketSessions,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly whoIsIn: WhoIsIn,
    private readonly audience: Audience,
    private readonly presenceNews: PresenceNews,
    private readonly receipts: Receipts,
    private readonly notices: GroupNotices,
    private readonly updates: GroupUpdates,
  ) {
    this.gone = new Gather('GroupAttendance', 0, (gone) => this.takeOut([...gone.keys()]));
  }

  onModuleInit(): void {
    this.sockets.onBound((socket, userId) => this.turns.take([userId], () => this.placeSocket(socket, userId)));
    this.presence.onDisconnected((userId) => this.markWhenGone(userId));
    this.presence.onOffline((userId) => this.gone.add(userId, true));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.expectThoseBefore();
    // Again and again, not only after the start: the database may be away in the moment in which somebody goes.
    const look = () => {
      this.inBackground(this.takeOutAbsent());
      this.absentTimer = setTimeout(look, LOOK_EVERY_MS).unref();
    };
    this.absentTimer = setTimeout(look, COME_BACK_WITHIN_MS).unref();
  }

  /** All sockets are about to close, and everybody in a group has read what is there. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.absentTimer);
    for (const timer of this.expected.values()) clearTimeout(timer);
    await this.gone.stop();
    for (const userId of this.presence.online()) if (this.presence.isConnected(userId)) this.noteMarks(userId);
    await this.moveMarks().catch(() => undefined);
  }

  /**
   * Enters: from the answer on, messages come as they are written. In an open group a newcomer becomes a member.
   * @throws NotFound to those outside a private group, and to those who were removed
   */
  enter(me: Identity, groupId: number): Promise<ReadableChat> {
    const { userId } = me;
    return this.turns.take([userId], async () => {
      const { group, before } = await this.sessions.write(me, async (tx) => {
        const locked = await this.membership.lock(tx, groupId);
        const member = await this.membership.find(tx, groupId, userId);
        if (!member) {
          const isClosed = locked.isPrivate || (await this.membership.isRemoved(tx, groupId, userId));
          if (isClosed) throw new NotFound('chat group');
          await this.membership.admit(tx, locked, userId, true);
        } else if (!member.isIn || member.lastReadSeq !== locked.lastSeq) {
          // Reading the newest page enters, too, and most who read it are in already: nothing is written for them.
          await tx.update(Member, { conversationId: groupId, userId }, { isIn: true, lastReadSeq: locked.lastSeq });
        }
        return { group: locked, before: member };
      });
      const { lastSeq } = group;
      this.publisher.placeInGroup(userId, groupId, 'in');
      this.whoIsIn.add(userId, groupId);
      this.whoIsIn.told(groupId, lastSeq);
      if (!before?.isIn) {
        this.tell(userId, groupId, true);
        this.presenceNews.show(userId, this.audience.inSmallGroup(groupId));
      }
      if (!before) {
        this.updates.changed(groupId);
        this.receipts.began(groupId, userId, lastSeq);
      } else if (before.lastReadSeq >= lastSeq) this.receipts.stands(groupId, userId, lastSeq);
      else this.receipts.moved({ conversationId: groupId, userId, lastSeq, lastReadSeq: lastSeq });
      this.expectSocket(userId);
      return group;
    });
  }

  /** Leaves, and stays a member. @throws NotFound */
  leave(me: Identity, groupId: number): Promise<void> {
    const { userId } = me;
    return this.turns.take([userId], async () => {
      const { lastSeq, before } = await this.sessions.write(me, async (tx) => {
        const group = await this.membership.lock(tx, groupId);
        const member = await this.membership.find(tx, groupId, userId);
        if (!member) throw new NotFound('chat group');
        // One who is not in has seen nothing of it: a tab that closes late must not mark it read.
        if (member.isIn)
          await tx.update(Member, { conversationId: groupId, userId }, { isIn: false, lastReadSeq: group.lastSeq });
        return { lastSeq: group.lastSeq, before: member };
      });
      this.publisher.placeInGroup(userId, groupId, 'outside');
      this.whoIsIn.remove(userId, groupId);
      if (!before.isIn) return;
      this.tell(userId, groupId, false);
      if (before.lastReadSeq < lastSeq)
        this.receipts.moved({ conversationId: groupId, userId, lastSeq, lastReadSeq: lastSeq });
    });
  }

  /** In the person's turn: somebody was made a member, when this was the newest message, and is not in yet. */
  membershipBegan(userId: number, groupId: number, lastSeq: number): void {
    this.publisher.placeInGroup(userId, groupId, 'outside');
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: false, is_member: true });
    this.receipts.began(groupId, userId, lastSeq);
    this.updates.changed(groupId);
  }

  /** In the person's turn: somebody is a member no more; `wasIn` where they were in it, too. */
  membershipEnded(userId: number, groupId: number, wasIn: boolean): void {
    this.silence(userId, groupId);
    if (wasIn) this.notices.changed(groupId, userId, false);
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: false, is_member: false });
    this.updates.changed(groupId);
  }

  /** In the person's turn: their sockets hear nothing of the group from here on. */
  silence(userId: number, groupId: number): void {
    this.publisher.placeInGroup(userId, groupId, 'nowhere');
    this.whoIsIn.remove(userId, groupId);
  }

  /** Those whose part in the group changed with its owner learn who that is now. */
  ownerChanged(userIds: number[], groupId: number, ownerId: number): void {
    for (const userId of userIds) {
      const isIn = this.whoIsIn.has(userId, groupId);
      this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: isIn, owner_id: ownerId });
    }
  }

  private tell(userId: number, groupId: number, isIn: boolean): void {
    this.notices.changed(groupId, userId, isIn);
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: isIn });
  }

  /** In the person's turn: a new socket hears what its person's other sockets hear, and from then on is moved with them. */
  private async placeSocket(socket: ParleySocket, userId: number): Promise<void> {
    for (const { id, isIn, lastSeq } of await this.membershipsOf(userId)) {
      void socket.join(isIn ? groupRoom(id) : outsideRoom(id));
      if (isIn) this.whoIsIn.add(userId, id);
      else this.whoIsIn.remove(userId, id);
      // Who is in and connected has nothing unread: see `liveMark`.
      if (isIn) this.whoIsIn.told(id, lastSeq);
    }
  }

  private async memberships(userIds: readonly number[]): Promise<Membership[][]> {
    const { sql, values } = inIds('m.user_id', userIds);
    const rows = await this.unitOfWork.read.query<{ user_id: number; id: number; is_in: number; last_seq: number }[]>(
      `SELECT m.user_id, c.id, m.is_in, c.last_seq FROM members m JOIN conversations c ON c.id = m.conversation_id
       WHERE ${sql} AND c.kind = 'group'`,
      values,
    );
    const byUser = new Map<number, Membership[]>(userIds.map((userId) => [userId, []]));
    for (const { user_id, id, is_in, last_seq } of rows)
      byUser.get(user_id)!.push({ id, isIn: Boolean(is_in), lastSeq: last_seq });
    return userIds.map((userId) => byUser.get(userId)!);
  }

  /** One who enters without a socket has as long to open one as one who lost it, from the last time that they entered. */
  private expectSocket(userId: number): void {
    if (this.presence.isConnected(userId)) return;
    clearTimeout(this.expected.get(userId));
    const timer = setTimeout(() => {
      this.expected.delete(userId);
      if (!this.presence.isOnline(userId)) this.gone.add(userId, true);
    }, OFFLINE_AFTER_MS).unref();
    this.expected.set(userId, timer);
  }

  /** The last socket closed: what it was told has been read, what comes later has not. */
  private markWhenGone(userId: number): void {
    if (this.isStopping) return;
    // Many go at once when a network does: one statement a group for all who went in this turn.
    const isFirst = this.toMark.size === 0;
    this.noteMarks(userId);
    if (!isFirst || this.toMark.size === 0) return;
    this.marking = this.marking.then(() => new Promise(setImmediate)).then(() => this.moveMarks());
    this.inBackground(this.marking);
    this.marking = this.marking.catch(() => undefined);
  }

  private noteMarks(userId: number): void {
    for (const groupId of this.whoIsIn.groupsOf(userId)) {
      const seq = this.whoIsIn.newestTold(groupId);
      // Too much unread is the safe side.
      if (seq === undefined) continue;
      const mark = this.toMark.get(`${groupId}:${seq}`);
      if (mark) mark.userIds.push(userId);
      else this.toMark.set(`${groupId}:${seq}`, { groupId, seq, userIds: [userId] });
    }
  }

  private async moveMarks(): Promise<void> {
    const marks = [...this.toMark.values()];
    this.toMark = new Map();
    if (marks.length === 0) return;
    await this.unitOfWork.run(async (tx) => {
      for (const { groupId, seq, userIds } of marks) {
        for (const some of chunks(userIds)) {
          await tx.query(
            `UPDATE members SET last_read_seq = ?
             WHERE conversation_id = ? AND user_id IN (${placeholders(some)}) AND is_in = 1 AND last_read_seq < ?`,
            [seq, groupId, ...some, seq],
          );
        }
      }
    });
  }

  /** Offline people are in nothing. Their marks stay where they were when their last socket closed. */
  private async takeOut(userIds: number[]): Promise<void> {
    // By group, looked up before the first of them is taken out of what is in memory: none is small for having just been left by most.
    const viewers = new Map<number, readonly number[]>();
    for (const some of chunks(userIds)) await this.takeOutTogether(some, viewers);
  }

  private takeOutTogether(userIds: number[], viewers: Map<number, readonly number[]>): Promise<void> {
    return this.turns.take(userIds, async () => {
      // Marks are moved for those who are in: first.
      await this.marking;
      const candidates = userIds.filter((userId) => this.isAbsent(userId));
      if (candidates.length === 0 || this.isStopping) return;
      const left = await this.unitOfWork.run(async (tx) => {
        const rows = await tx.query<{ id: number; user_id: number; last_read_seq: number }[]>(
          `SELECT conversation_id AS id, user_id, last_read_seq FROM members WHERE is_in = 1 AND user_id IN (${placeholders(candidates)}) ${forUpdate(tx)}`,
          candidates,
        );
        const gone = rows.filter((row) => this.isAbsent(row.user_id));
        if (gone.length === 0) return gone;
        const ids = [...new Set(gone.map((row) => row.user_id))];
        await tx.query(`UPDATE members SET is_in = 0 WHERE is_in = 1 AND user_id IN (${placeholders(ids)})`, ids);
        return gone;
      });
      for (const { id, user_id: userId } of left) {
        if (!viewers.has(id)) viewers.set(id, [...this.audience.inSmallGroup(id)]);
        this.presenceNews.show(userId, viewers.get(id)!);
      }
      for (const userId of candidates) if (this.isAbsent(userId)) this.whoIsIn.forget(userId);
      for (const { id, user_id: userId, last_read_seq: lastReadSeq } of left) {
        this.publisher.placeInGroup(userId, id, 'outside');
        this.tell(userId, id, false);
        this.receipts.moved({ conversationId: id, userId, lastSeq: lastReadSeq, lastReadSeq });
      }
    });
  }

  private isAbsent(userId: number): boolean {
    return !this.presence.isOnline(userId) && !this.expected.has(userId);
  }

  private async takeOutAbsent(): Promise<void> {
    const rows = await this.unitOfWork.read.query<{ user_id: number }[]>(
      'SELECT DISTINCT user_id FROM members WHERE is_in = 1',
    );
    await this.takeOut(rows.map((row) => row.user_id).filter((userId) => this.isAbsent(userId)));
    this.whoIsIn.expect(new Map());
  }

  /** A large group stays one while its people come back one by one after a restart. */
  private async expectThoseBefore(): Promise<void> {
    const rows = await this.unitOfWork.read.query<{ id: number; count: number | string }[]>(
      'SELECT conversation_id AS id, COUNT(*) AS count FROM members WHERE is_in = 1 GROUP BY conversation_id',
    );
    this.whoIsIn.expect(new Map(rows.map(({ id, count }) => [id, Number(count)])));
  }

  private inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.logger.error(`Who is in a group was not stored: ${logLine(error)}`));
  }
}

function* chunks(userIds: number[]): Iterable<number[]> {
  for (let i = 0; i < userIds.length; i += CHUNK) yield userIds.slice(i, i + CHUNK);
}
