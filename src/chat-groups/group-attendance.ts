import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SocketSessions } from '../auth/socket-sessions.js';
import { Clock } from '../common/clock.js';
import { NotFound } from '../common/errors.js';
import { logLine } from '../common/log-line.js';
import type { ReadableChat } from '../conversations/history.js';
import { Member } from '../conversations/member.entity.js';
import { forUpdate, insertRows, placeholders, toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { ParleySocket } from '../realtime/events.js';
import { OFFLINE_AFTER_MS, Presence } from '../realtime/presence.js';
import { Publisher } from '../realtime/publisher.js';
import { groupRoom, outsideRoom } from '../realtime/rooms.js';
import { GroupNotices } from './group-notices.js';

/** After a start, those who were in a group have this long to come back. */
export const COME_BACK_WITHIN_MS = 30_000;

interface LockedGroup extends ReadableChat {
  isPrivate: boolean;
}

/**
 * Who is in which group right now. It is a person who is in, not a socket: the last word of any of their devices counts. It is
 * stored, so that it survives a restart, and ends when they go offline.
 */
@Injectable()
export class GroupAttendance implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(GroupAttendance.name);
  private readonly expected = new Set<number>();
  private disconnected: number[] = [];
  private comeBack?: NodeJS.Timeout;
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sockets: SocketSessions,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly notices: GroupNotices,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.sockets.onBound((socket, userId) => this.placeSocket(socket, userId));
    this.presence.onDisconnected((userId) => this.markWhenGone(userId));
    this.presence.onOffline((userId) => this.inBackground(this.takeOut([userId])));
  }

  onApplicationBootstrap(): void {
    this.comeBack = setTimeout(() => this.inBackground(this.takeOutAbsent()), COME_BACK_WITHIN_MS).unref();
  }

  /** All sockets are about to close, and everybody in a group has read what is there. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.comeBack);
    await this.markRead(this.presence.online().filter((userId) => this.presence.isConnected(userId))).catch(
      () => undefined,
    );
  }

  /**
   * Enters: from the answer on, messages come as they are written. In an open group a newcomer becomes a member.
   * @throws NotFound for a private group that the user is no member of
   */
  async enter(userId: number, groupId: number): Promise<ReadableChat> {
    const { group, wasIn } = await this.unitOfWork.run(async (tx) => {
      const locked = await this.lock(tx, groupId);
      const member = await tx.findOneBy(Member, { conversationId: groupId, userId });
      if (!member && locked.isPrivate) throw new NotFound('chat group');
      if (member) {
        // Reading the newest page enters, too, and most who read it are in already.
        const isNews = !member.isIn || member.lastReadSeq !== locked.lastSeq;
        if (isNews)
          await tx.update(Member, { conversationId: groupId, userId }, { isIn: true, lastReadSeq: locked.lastSeq });
      } else {
        const row = [groupId, userId, locked.lastSeq, 1, toMoment(this.clock.now())];
        await insertRows(tx, 'members', 'conversation_id, user_id, last_read_seq, is_in, joined_at', [row]);
        await tx.query('UPDATE chat_groups SET member_count = member_count + 1 WHERE conversation_id = ?', [groupId]);
      }
      return { group: locked, wasIn: member?.isIn ?? false };
    });
    this.publisher.placeInGroup(userId, groupId, 'in');
    if (!wasIn) this.tell(userId, groupId, true);
    this.expectSocket(userId);
    return group;
  }

  /** Leaves, and stays a member. @throws NotFound */
  async leave(userId: number, groupId: number): Promise<void> {
    const wasIn = await this.unitOfWork.run(async (tx) => {
      const { lastSeq } = await this.lock(tx, groupId);
      const member = await tx.findOneBy(Member, { conversationId: groupId, userId });
      if (!member) throw new NotFound('chat group');
      await tx.update(Member, { conversationId: groupId, userId }, { isIn: false, lastReadSeq: lastSeq });
      return member.isIn;
    });
    this.publisher.placeInGroup(userId, groupId, 'outside');
    if (wasIn) this.tell(userId, groupId, false);
  }

  /** Somebody is a member no more; `wasIn` where they were in it, too. */
  gone(userId: number, groupId: number, wasIn: boolean): void {
    this.publisher.placeInGroup(userId, groupId, 'nowhere');
    if (wasIn) this.tell(userId, groupId, false);
  }

  /** Locks a group against everything that numbers its messages or changes its members. @throws NotFound */
  async lock(tx: EntityManager, groupId: number): Promise<LockedGroup> {
    // The conversation's row first, as the message log does: two that lock in one order do not wait for each other.
    const [conversation] = await tx.query<{ last_seq: number }[]>(
      `SELECT last_seq FROM conversations WHERE id = ? AND kind = 'group' ${forUpdate(tx)}`,
      [groupId],
    );
    const [group] = await tx.query<{ is_private: number }[]>(
      'SELECT is_private FROM chat_groups WHERE conversation_id = ?',
      [groupId],
    );
    if (!conversation || !group) throw new NotFound('chat group');
    return { id: groupId, lastSeq: conversation.last_seq, isPrivate: Boolean(group.is_private) };
  }

  private tell(userId: number, groupId: number, isIn: boolean): void {
    this.notices.changed(groupId, userId, isIn);
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: isIn });
  }

  /** A new socket hears what its person's other sockets hear. */
  private async placeSocket(socket: ParleySocket, userId: number): Promise<void> {
    for (const { id, isIn } of await this.memberships(userId))
      await socket.join(isIn ? groupRoom(id) : outsideRoom(id));
    // Once more: what changed after the first look was told to the sockets that were there by then, and this one was half there.
    const places = new Map((await this.memberships(userId)).map(({ id, isIn }) => [id, isIn]));
    for (const room of socket.rooms) {
      const [, name, id] = /^(group|outside):(\d+)$/.exec(room) ?? [];
      if (name && places.get(Number(id)) !== (name === 'group')) await socket.leave(room);
    }
    for (const [id, isIn] of places) await socket.join(isIn ? groupRoom(id) : outsideRoom(id));
  }

  private async memberships(userId: number): Promise<{ id: number; isIn: boolean }[]> {
    const rows = await this.unitOfWork.read.query<{ id: number; is_in: number }[]>(
      `SELECT m.conversation_id AS id, m.is_in FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE m.user_id = ?`,
      [userId],
    );
    return rows.map(({ id, is_in }) => ({ id, isIn: Boolean(is_in) }));
  }

  /** One who entered without a socket has as long to open one as one who lost it. */
  private expectSocket(userId: number): void {
    if (this.presence.isOnline(userId) || this.expected.has(userId)) return;
    this.expected.add(userId);
    setTimeout(() => {
      this.expected.delete(userId);
      if (!this.presence.isOnline(userId) && !this.isStopping) this.inBackground(this.takeOut([userId]));
    }, OFFLINE_AFTER_MS).unref();
  }

  /** The last socket closed: what is stored by now has been read, what comes later has not. */
  private markWhenGone(userId: number): void {
    if (this.isStopping) return;
    // Many go at once when a network does: one statement for all who went in this turn.
    if (this.disconnected.push(userId) > 1) return;
    setImmediate(() => this.inBackground(this.markRead(this.disconnected.splice(0))));
  }

  private async markRead(userIds: number[]): Promise<void> {
    if (userIds.length === 0) return;
    await this.unitOfWork.run((tx) =>
      tx.query(
        `UPDATE members SET last_read_seq = (SELECT last_seq FROM conversations c WHERE c.id = members.conversation_id)
         WHERE is_in = 1 AND user_id IN (${placeholders(userIds)})`,
        userIds,
      ),
    );
  }

  /** Offline people are in nothing. Their marks stay where they were when their last socket closed. */
  private async takeOut(userIds: number[]): Promise<void> {
    const left = await this.unitOfWork.run(async (tx) => {
      const list = placeholders(userIds);
      const rows = await tx.query<{ id: number; user_id: number }[]>(
        `SELECT conversation_id AS id, user_id FROM members WHERE is_in = 1 AND user_id IN (${list})`,
        userIds,
      );
      if (rows.length > 0)
        await tx.query(`UPDATE members SET is_in = 0 WHERE is_in = 1 AND user_id IN (${list})`, userIds);
      return rows;
    });
    for (const { id, user_id: userId } of left) {
      this.publisher.placeInGroup(userId, id, 'outside');
      this.tell(userId, id, false);
    }
  }

  private async takeOutAbsent(): Promise<void> {
    const rows = await this.unitOfWork.read.query<{ user_id: number }[]>(
      'SELECT DISTINCT user_id FROM members WHERE is_in = 1',
    );
    const absent = rows.map((row) => row.user_id).filter((userId) => !this.presence.isOnline(userId));
    for (let i = 0; i < absent.length; i += 500) await this.takeOut(absent.slice(i, i + 500));
  }

  private inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.logger.error(`Who is in a group was not stored: ${logLine(error)}`));
  }
}
