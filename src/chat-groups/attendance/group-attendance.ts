import { Injectable } from '@nestjs/common';
import { Sessions } from '../../identity/sessions.js';
import { NotFound } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { conversationRow } from '../../conversations/conversation-locks.js';
import type { ReadableChat } from '../../conversations/history.js';
import { Member } from '../../conversations/member.entity.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { assertNotFrozen, GroupMembership } from '../membership/group-membership.js';
import { Publisher } from '../../sockets/publisher.js';
import { UserMutex } from './user-mutex.js';

/**
 * Who is in which group right now. A user is in, not a socket: what any of their devices did last counts. It is stored, so that it survives
 * a restart, and ends when the user goes offline (`group-absence.ts`). Their sockets are moved after the commit, by the events that are
 * recorded here (`group-placement.ts`).
 */
@Injectable()
export class GroupAttendance {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly membership: GroupMembership,
    private readonly userMutex: UserMutex,
    private readonly sessions: Sessions,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
  ) {}

  /**
   * Enters: from the answer on, the user's sockets get messages as they are written. In an open group, a newcomer becomes a member.
   * @param beforeWriting called where something is going to be written: for those who are in and have read everything, nothing is
   * @throws NotFound to those outside a private group, and to those who were removed; `group_frozen` to newcomers; what `beforeWriting` throws
   */
  enter(me: Identity, groupId: number, beforeWriting?: () => void): Promise<ReadableChat> {
    const { userId } = me;
    return this.userMutex.run([userId], async () => {
      const listening = this.publisher.entering(groupId);
      if (listening) await listening;
      try {
        const group = await this.enteredBefore(userId, groupId);
        if (!group) {
          beforeWriting?.();
          return await this.writeEntering(me, groupId);
        }
        const { lastSeq } = group;
        this.events.publish('groupEntered', { groupId, userId, lastSeq, wasIn: true, lastReadSeq: lastSeq });
        return group;
      } finally {
        this.publisher.entered(groupId);
      }
    });
  }

  /** The group, where the user is in already and has read everything: then nothing is locked or written. In the user's turn. */
  private async enteredBefore(userId: number, groupId: number): Promise<ReadableChat | undefined> {
    const [row] = await this.unitOfWork.read.query<
      { last_seq: number; last_change: number | null; last_read_seq: number }[]
    >(
      `SELECT c.last_seq, c.last_change, m.last_read_seq FROM members m
       JOIN conversations c ON c.id = m.conversation_id AND c.kind = 'group'
       WHERE m.conversation_id = ? AND m.user_id = ? AND m.is_in = 1`,
      [groupId, userId],
    );
    if (!row || row.last_read_seq !== row.last_seq) return undefined;
    return { id: groupId, lastSeq: row.last_seq, lastChange: row.last_change ?? 0 };
  }

  /** Many enter and leave at once: all of them wait in one line for the group from the beginning (`first`). */
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
          assertNotFrozen(group);
          await this.membership.addMember(tx, group, userId, true);
          return group;
        }
        const { lastSeq } = group;
        const { isIn: wasIn, lastReadSeq } = before;
        if (!wasIn || lastReadSeq !== lastSeq)
          await tx.update(Member, { conversationId: groupId, userId }, { isIn: true, lastReadSeq: lastSeq });
        this.events.record(tx, 'groupEntered', { groupId, userId, lastSeq, wasIn, lastReadSeq });
        return group;
      },
      {
        first: conversationRow(groupId),
        isDone: async (tx, { lastSeq }) => {
          const member = await this.membership.find(tx, groupId, userId);
          return member !== null && member.isIn && member.lastReadSeq >= lastSeq;
        },
      },
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
          // Those who are not in have seen nothing of it: a tab that closes late must not mark it as read.
          if (wasIn)
            await tx.update(Member, { conversationId: groupId, userId }, { isIn: false, lastReadSeq: lastSeq });
          this.events.record(tx, 'groupLeft', { groupId, userId, lastSeq, wasIn, lastReadSeq });
        },
        {
          first: conversationRow(groupId),
          isDone: async (tx) => (await this.membership.find(tx, groupId, userId))?.isIn === false,
        },
      ),
    );
  }
}
