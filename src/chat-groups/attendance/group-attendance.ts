import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { PresenceNews } from '../../people/presence-news.js';
import { Sessions } from '../../identity/sessions.js';
import { Busy, NotFound } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { logLine } from '../../common/logs/log-line.js';
import { conversationRow } from '../../conversations/conversation-locks.js';
import type { ReadableChat } from '../../conversations/history.js';
import { Member } from '../../conversations/member.entity.js';
import { Receipts } from '../../conversations/receipts.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import type {
  BoundSocket,
  GroupEntered,
  MemberJoined,
  MemberLeft,
  MembershipsErased,
} from '../../domain-events/events.js';
import { batchLoader } from '../../database/batch-loader.js';
import { inIds } from '../../database/dialect.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Audience } from '../../people/audience.js';
import { Publisher } from '../../sockets/publisher.js';
import { groupRoom, outsideRoom } from '../../sockets/rooms.js';
import { WhoIsIn } from '../../people/who-is-in.js';
import { GroupAbsence } from './group-absence.js';
import { GroupMembership } from '../membership/group-membership.js';
import { GroupNotices } from './group-notices.js';
import { UserMutex } from './user-mutex.js';

/** Groups of one question to the database. */
const CHUNK = 500;
/** Groups that are told of in one turn of the event loop. */
const AT_ONCE = 100;

/** All of them wait in one line from the beginning: a crowd comes and goes at once. */
const first = (groupId: number) => ({ first: conversationRow(groupId) });

interface Membership {
  id: number;
  isIn: boolean;
  lastSeq: number;
}

/**
 * Who is in which group right now. It is a person who is in, not a socket: the last word of any of their devices counts. It is
 * stored, so that it survives a restart, and ends when they go offline (`group-absence.ts`).
 */
@Injectable()
export class GroupAttendance implements OnModuleInit {
  private readonly logger = new Logger('Groups');
  private readonly membershipsOf = batchLoader((userIds) => this.memberships(userIds));

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly membership: GroupMembership,
    private readonly userMutex: UserMutex,
    private readonly sessions: Sessions,
    private readonly absence: GroupAbsence,
    private readonly publisher: Publisher,
    private readonly whoIsIn: WhoIsIn,
    private readonly audience: Audience,
    private readonly presenceNews: PresenceNews,
    private readonly receipts: Receipts,
    private readonly notices: GroupNotices,
    private readonly events: DomainEvents,
  ) {}

  onModuleInit(): void {
    this.events.on('socketBound', ({ socket, userId }) =>
      this.userMutex.run([userId], () => this.placeSocket(socket, userId)),
    );
    // All of these but the last two are recorded in the person's turn, and told in it.
    this.events.on('memberJoined', (joined) => this.memberJoined(joined));
    this.events.on('groupEntered', (entered) => this.entered(entered));
    this.events.on('groupLeft', (left) => this.left(left));
    this.events.on('memberLeft', (left) => this.memberLeft(left));
    this.events.on('ownerChanged', ({ groupId, ownerId, formerOwnerId }) =>
      this.ownerChanged([formerOwnerId, ownerId], groupId, ownerId),
    );
    this.events.on('groupsInherited', ({ heirs }) => this.inherited(heirs));
    this.events.on('membershipsErased', (erased) => this.membershipsErased(erased));
  }

  /**
   * Enters: from the answer on, messages come as they are written. In an open group a newcomer becomes a member.
   * @param beforeWriting called where something will change: most who read the newest page are in already, and for them nothing does
   * @throws NotFound to those outside a private group, and to those who were removed; what `beforeWriting` throws
   */
  enter(me: Identity, groupId: number, beforeWriting?: () => void): Promise<ReadableChat> {
    const { userId } = me;
    return this.userMutex.run([userId], async () => {
      const lastSeq = await this.enteredBefore(userId, groupId);
      if (lastSeq === undefined) {
        beforeWriting?.();
        return this.writeEntering(me, groupId);
      }
      this.entered({ groupId, userId, lastSeq, wasIn: true, lastReadSeq: lastSeq });
      return { id: groupId, lastSeq };
    });
  }

  /** Where somebody is in already and has read everything: no lock is taken then, and nothing written. In the person's turn. */
  private async enteredBefore(userId: number, groupId: number): Promise<number | undefined> {
    const [row] = await this.unitOfWork.read.query<{ last_seq: number; last_read_seq: number }[]>(
      `SELECT c.last_seq, m.last_read_seq FROM members m
       JOIN conversations c ON c.id = m.conversation_id AND c.kind = 'group'
       WHERE m.conversation_id = ? AND m.user_id = ? AND m.is_in = 1`,
      [groupId, userId],
    );
    return row?.last_read_seq === row?.last_seq ? row?.last_seq : undefined;
  }

  private writeEntering(me: Identity, groupId: number): Promise<ReadableChat> {
    const { userId } = me;
    return this.sessions.write(
      me,
      async (tx) => {
        const group = await this.membership.lock(tx, groupId);
        const before = await this.membership.lockMember(tx, groupId, userId);
        if (!before) {
          const isClosed = group.isPrivate || (await this.membership.isRemoved(tx, groupId, userId));
          if (isClosed) throw new NotFound('chat group');
          await this.membership.admit(tx, group, userId, true);
          return group;
        }
        const { lastSeq } = group;
        const { isIn: wasIn, lastReadSeq } = before;
        if (!wasIn || lastReadSeq !== lastSeq)
          await tx.update(Member, { conversationId: groupId, userId }, { isIn: true, lastReadSeq: lastSeq });
        this.events.record(tx, 'groupEntered', { groupId, userId, lastSeq, wasIn, lastReadSeq });
        return group;
      },
      first(groupId),
    );
  }

  /** Leaves, and stays a member. @throws NotFound */
  leave(me: Identity, groupId: number): Promise<void> {
    const { userId } = me;
    return this.userMutex.run([userId], () =>
      this.sessions.write(
        me,
        async (tx) => {
          const { lastSeq } = await this.membership.lock(tx, groupId);
          const member = await this.membership.lockMember(tx, groupId, userId);
          if (!member) throw new NotFound('chat group');
          const { isIn: wasIn, lastReadSeq } = member;
          // One who is not in has seen nothing of it: a tab that closes late must not mark it read.
          if (wasIn)
            await tx.update(Member, { conversationId: groupId, userId }, { isIn: false, lastReadSeq: lastSeq });
          this.events.record(tx, 'groupLeft', { groupId, userId, lastSeq, wasIn, lastReadSeq });
        },
        first(groupId),
      ),
    );
  }

  private entered({ groupId, userId, lastSeq, wasIn, lastReadSeq }: GroupEntered): void {
    this.placeIn(userId, groupId, lastSeq);
    if (!wasIn) this.tellEntered(userId, groupId);
    if (lastReadSeq >= lastSeq) this.receipts.recordImplied(groupId, userId, lastSeq);
    else this.receipts.moved({ conversationId: groupId, userId, lastSeq, lastReadSeq: lastSeq });
    this.absence.expectSocket(userId);
  }

  private left({ groupId, userId, lastSeq, wasIn, lastReadSeq }: GroupEntered): void {
    this.publisher.placeInGroup(userId, groupId, 'outside');
    this.whoIsIn.remove(userId, groupId);
    if (!wasIn) return;
    this.tell(userId, groupId, false);
    if (lastReadSeq < lastSeq) this.receipts.moved({ conversationId: groupId, userId, lastSeq, lastReadSeq: lastSeq });
  }

  private memberJoined({ groupId, userId, lastSeq, isIn }: MemberJoined): void {
    if (isIn) {
      this.placeIn(userId, groupId, lastSeq);
      this.tellEntered(userId, groupId);
      this.absence.expectSocket(userId);
    } else {
      this.publisher.placeInGroup(userId, groupId, 'outside');
      this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: false, is_member: true });
    }
    this.receipts.began(groupId, userId, lastSeq);
  }

  private memberLeft({ groupId, userId, wasIn }: MemberLeft): void {
    this.silence(userId, groupId);
    if (wasIn) this.notices.changed(groupId, userId, false);
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: false, is_member: false });
  }

  private placeIn(userId: number, groupId: number, lastSeq: number): void {
    this.publisher.placeInGroup(userId, groupId, 'in');
    this.whoIsIn.add(userId, groupId);
    this.whoIsIn.published(groupId, lastSeq);
  }

  private tellEntered(userId: number, groupId: number): void {
    this.tell(userId, groupId, true);
    this.presenceNews.show(userId, this.audience.inSmallGroup(groupId));
  }

  private async membershipsErased({ userId, groups }: MembershipsErased): Promise<void> {
    const tellAll = async (): Promise<void> => {
      for (const [i, { groupId, wasIn }] of groups.entries()) {
        this.memberLeft({ groupId, userId, wasIn });
        if (i % AT_ONCE === AT_ONCE - 1) await nextTurn();
      }
    };
    // Rather out of turn than not at all: it is done.
    await this.userMutex.run([userId], tellAll).catch((error: unknown) => {
      if (!(error instanceof Busy)) throw error;
      return tellAll();
    });
  }

  /** In the person's turn: their sockets hear nothing of the group from here on. */
  silence(userId: number, groupId: number): void {
    this.publisher.placeInGroup(userId, groupId, 'nowhere');
    this.whoIsIn.remove(userId, groupId);
  }

  /** Those whose part in the group changed with its owner learn who that is now. */
  private ownerChanged(userIds: number[], groupId: number, ownerId: number): void {
    for (const userId of userIds) {
      const isIn = this.whoIsIn.has(userId, groupId);
      this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: isIn, owner_id: ownerId });
    }
  }

  /**
   * Groups whose owner has gone have come down to others, who learn of it, each in their turn: what they are told is who owns a group by
   * then, since they may have handed it over already.
   */
  private async inherited(heirs: ReadonlyMap<number, number>): Promise<void> {
    const groupsOf = new Map<number, number[]>();
    for (const [groupId, heirId] of heirs) {
      const groupIds = groupsOf.get(heirId);
      if (groupIds) groupIds.push(groupId);
      else groupsOf.set(heirId, [groupId]);
    }
    for (const [heirId, groupIds] of groupsOf) {
      await this.userMutex
        .run([heirId], () => this.tellOwners(heirId, groupIds))
        .catch((error: unknown) => this.logger.error(`A new owner was not told of it: ${logLine(error)}`));
    }
  }

  private async tellOwners(memberId: number, groupIds: readonly number[]): Promise<void> {
    for (let i = 0; i < groupIds.length; i += CHUNK) {
      const { sql, values } = inIds('g.conversation_id', groupIds.slice(i, i + CHUNK));
      const rows = await this.unitOfWork.read.query<{ id: number; owner_id: number }[]>(
        `SELECT g.conversation_id AS id, g.owner_id FROM chat_groups g
         JOIN members m ON m.conversation_id = g.conversation_id AND m.user_id = ?
         WHERE ${sql}`,
        [memberId, ...values],
      );
      for (const { id, owner_id } of rows) this.ownerChanged([memberId], id, owner_id);
    }
  }

  private tell(userId: number, groupId: number, isIn: boolean): void {
    this.notices.changed(groupId, userId, isIn);
    this.publisher.groupUpdate(userId, { chat_group_id: groupId, is_in: isIn });
  }

  /** In the person's turn: a new socket hears what its person's other sockets hear, and from then on is moved with them. */
  private async placeSocket(socket: BoundSocket, userId: number): Promise<void> {
    for (const { id, isIn, lastSeq } of await this.membershipsOf(userId)) {
      void socket.join(isIn ? groupRoom(id) : outsideRoom(id));
      if (isIn) this.whoIsIn.add(userId, id);
      else this.whoIsIn.remove(userId, id);
      // Who is in and connected has nothing unread: see `liveMark`.
      if (isIn) this.whoIsIn.published(id, lastSeq);
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
}
