import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { hasAccount } from '../auth/accounts.js';
import { Clock } from '../common/clock.js';
import { Forbidden, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { Conversation } from '../conversations/conversation.entity.js';
import type { ReadableChat } from '../conversations/history.js';
import { Member } from '../conversations/member.entity.js';
import { Message } from '../conversations/message.entity.js';
import { MessageChange } from '../conversations/message-change.entity.js';
import { forUpdate, insertRows, toMoment } from '../database/dialect.js';
import { AccessRequest } from './access-request.entity.js';
import { ChatGroup } from './chat-group.entity.js';
import { GroupRemoval } from './group-removal.entity.js';

export interface LockedGroup extends ReadableChat {
  ownerId: number;
  isPrivate: boolean;
}

export const onlyTheOwner = () => new Forbidden('Only the owner of a group can do this.');

/** Who belongs to a group, as rows: steps of transactions that hold the group's lock. */
@Injectable()
export class GroupMembership {
  constructor(private readonly clock: Clock) {}

  /** Locks a group against everything that numbers its messages or changes its members. @throws NotFound */
  async lock(tx: EntityManager, groupId: number): Promise<LockedGroup> {
    // The conversation's row first, as the message log does: two that lock in one order do not wait for each other.
    const [conversation] = await tx.query<{ last_seq: number }[]>(
      `SELECT last_seq FROM conversations WHERE id = ? AND kind = 'group' ${forUpdate(tx)}`,
      [groupId],
    );
    const group = await tx.findOneBy(ChatGroup, { conversationId: groupId });
    if (!conversation || !group) throw new NotFound('chat group');
    return { id: groupId, lastSeq: conversation.last_seq, ownerId: group.ownerId, isPrivate: group.isPrivate };
  }

  /** The same, for its owner. @throws NotFound to those outside; Forbidden to other members */
  async lockAsOwner(tx: EntityManager, me: Identity, groupId: number): Promise<LockedGroup> {
    const group = await this.lock(tx, groupId);
    if (!(await this.find(tx, groupId, me.userId))) throw new NotFound('chat group');
    if (group.ownerId !== me.userId) throw onlyTheOwner();
    return group;
  }

  find(tx: EntityManager, groupId: number, userId: number): Promise<Member | null> {
    return tx.findOneBy(Member, { conversationId: groupId, userId });
  }

  isRemoved(tx: EntityManager, groupId: number, userId: number): Promise<boolean> {
    return tx.existsBy(GroupRemoval, { conversationId: groupId, userId });
  }

  /**
   * A new member, with nothing unread. What they asked for is settled, and what kept them out forgotten.
   * @throws NotFound where there is no such user, or no more
   */
  async admit(tx: EntityManager, { id, lastSeq }: LockedGroup, userId: number, isIn: boolean): Promise<void> {
    if (!(await hasAccount(tx, userId))) throw new NotFound('user');
    const row = [id, userId, lastSeq, isIn ? 1 : 0, toMoment(this.clock.now())];
    await insertRows(tx, 'members', 'conversation_id, user_id, last_read_seq, is_in, joined_at', [row]);
    await tx.increment(ChatGroup, { conversationId: id }, 'memberCount', 1);
    await tx.delete(AccessRequest, { conversationId: id, userId });
    await tx.delete(GroupRemoval, { conversationId: id, userId });
  }

  /** A member no more, and let in by nobody but the owner. */
  async remove(tx: EntityManager, groupId: number, userId: number): Promise<void> {
    await tx.delete(Member, { conversationId: groupId, userId });
    await tx.decrement(ChatGroup, { conversationId: groupId }, 'memberCount', 1);
    await tx.insert(GroupRemoval, { conversationId: groupId, userId, removedAt: this.clock.now() });
  }

  /** A member no more, by their own will: the group goes with its last one, and passes on to another where it was the owner who went. */
  async leaveForGood(
    tx: EntityManager,
    { id, ownerId }: Pick<LockedGroup, 'id' | 'ownerId'>,
    userId: number,
  ): Promise<{ isDeleted: boolean; heirId?: number }> {
    await tx.delete(Member, { conversationId: id, userId });
    const [heir] = await tx.find(Member, {
      where: { conversationId: id },
      order: { joinedAt: 'ASC', userId: 'ASC' },
      take: 1,
    });
    if (!heir) {
      await this.deleteGroup(tx, id);
      return { isDeleted: true };
    }
    await tx.decrement(ChatGroup, { conversationId: id }, 'memberCount', 1);
    if (ownerId !== userId) return { isDeleted: false };
    await tx.update(ChatGroup, { conversationId: id }, { ownerId: heir.userId });
    return { isDeleted: false, heirId: heir.userId };
  }

  private async deleteGroup(tx: EntityManager, groupId: number): Promise<void> {
    for (const table of [Message, MessageChange, AccessRequest, GroupRemoval, ChatGroup]) {
      await tx.delete(table, { conversationId: groupId });
    }
    await tx.delete(Conversation, { id: groupId });
  }
}
