import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { PresenceNews } from '../../people/presence-news.js';
import { Sessions } from '../../identity/sessions.js';
import { SocketSessions } from '../../identity/socket-sessions.js';
import { NotFound } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { logLine } from '../../common/logs/log-line.js';
import { conversationRow } from '../../conversations/conversation-locks.js';
import type { ReadableChat } from '../../conversations/history.js';
import { Member } from '../../conversations/member.entity.js';
import { Receipts } from '../../conversations/receipts.js';
import { askTogether } from '../../database/ask-together.js';
import { inIds } from '../../database/dialect.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Audience } from '../../people/audience.js';
import type { ParleySocket } from '../../sockets/events.js';
import { Publisher } from '../../sockets/publisher.js';
import { groupRoom, outsideRoom } from '../../sockets/rooms.js';
import { WhoIsIn } from '../../people/who-is-in.js';
import { GroupAbsence } from './group-absence.js';
import { GroupMembership } from '../membership/group-membership.js';
import { GroupNotices } from './group-notices.js';
import { GroupUpdates } from '../group-updates.js';
import { PersonTurns } from './person-turns.js';

interface Entering {
  group: ReadableChat;
  /** Null for a newcomer. */
  before: Pick<Member, 'isIn' | 'lastReadSeq'> | null;
}

/** Groups of one question to the database. */
const CHUNK = 500;

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
  private readonly membershipsOf = askTogether((userIds) => this.memberships(userIds));

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly membership: GroupMembership,
    private readonly turns: PersonTurns,
    private readonly sessions: Sessions,
    private readonly sockets: SocketSessions,
    private readonly absence: GroupAbsence,
    private readonly publisher: Publisher,
    private readonly whoIsIn: WhoIsIn,
    private readonly audience: Audience,
    private readonly presenceNews: PresenceNews,
    private readonly receipts: Receipts,
    private readonly notices: GroupNotices,
    private readonly updates: GroupUpdates,
  ) {}

  onModuleInit(): void {
    this.sockets.onBound((socket, userId) => this.turns.take([userId], () => this.placeSocket(socket, userId)));
  }

  /**
   * Enters: from the answer on, messages come as they are written. In an open group a newcomer becomes a member.
   * @param beforeWriting called where something will change: most who read the newest page are in already, and for them nothing does
   * @throws NotFound to those outside a private group, and to those who were removed; what `beforeWriting` throws
   */
  enter(me: Identity, groupId: number, beforeWriting?: () => void): Promise<ReadableChat> {
    const { userId } = me;
    return this.turns.take([userId], async () => {
      let entered = await this.hasEntered(userId, groupId);
      if (!entered) {
        beforeWriting?.();
        entered = await this.writeEntering(me, groupId);
      }
      const { group, before } = entered;
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
      this.absence.expectSocket(userId);
      return group;
    });
  }

  /** Where somebody is in already and has read everything: no lock is taken then, and nothing written. In the person's turn. */
  private async hasEntered(userId: number, groupId: number): Promise<Entering | undefined> {
    const [row] = await this.unitOfWork.read.query<{ last_seq: number; last_read_seq: number }[]>(
      `SELECT c.last_seq, m.last_read_seq FROM members m
       JOIN conversations c ON c.id = m.conversation_id AND c.kind = 'group'
       WHERE m.conversation_id = ? AND m.user_id = ? AND m.is_in = 1`,
      [groupId, userId],
    );
    if (!row || row.last_read_seq !== row.last_seq) return undefined;
    const { last_seq: lastSeq } = row;
    return { group: { id: groupId, lastSeq }, before: { isIn: true, lastReadSeq: lastSeq } };
  }

  private writeEntering(me: Identity, groupId: number): Promise<Entering> {
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
        } else if (!before.isIn || before.lastReadSeq !== group.lastSeq) {
          await tx.update(Member, { conversationId: groupId, userId }, { isIn: true, lastReadSeq: group.lastSeq });
        }
        return { group, before };
      },
      first(groupId),
    );
  }

  /** Leaves, and stays a member. @throws NotFound */
  leave(me: Identity, groupId: number): Promise<void> {
    const { userId } = me;
    return this.turns.take([userId], async () => {
      const { lastSeq, before } = await this.sessions.write(
        me,
        async (tx) => {
          const group = await this.membership.lock(tx, groupId);
          const member = await this.membership.lockMember(tx, groupId, userId);
          if (!member) throw new NotFound('chat group');
          // One who is not in has seen nothing of it: a tab that closes late must not mark it read.
          if (member.isIn)
            await tx.update(Member, { conversationId: groupId, userId }, { isIn: false, lastReadSeq: group.lastSeq });
          return { lastSeq: group.lastSeq, before: member };
        },
        first(groupId),
      );
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

  /**
   * Groups whose owner has gone have come down to others, who learn of it, each in their turn: what they are told is who owns a group by
   * then, since they may have handed it over already. Outside of any turn. Never throws: it is done, whoever has heard of it.
   * @param heirs by group
   */
  async inherited(heirs: ReadonlyMap<number, number>): Promise<void> {
    const groupsOf = new Map<number, number[]>();
    for (const [groupId, heirId] of heirs) {
      const groupIds = groupsOf.get(heirId);
      if (groupIds) groupIds.push(groupId);
      else groupsOf.set(heirId, [groupId]);
    }
    for (const [heirId, groupIds] of groupsOf) {
      await this.turns
        .take([heirId], () => this.tellOwners(heirId, groupIds))
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
}
