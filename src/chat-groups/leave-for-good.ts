import type { EntityManager } from 'typeorm';
import { Conversation } from '../conversations/conversation.entity.js';
import { Member } from '../conversations/member.entity.js';
import { Message } from '../conversations/message.entity.js';
import { ChatGroup } from './chat-group.entity.js';

/**
 * Ends a membership; the caller's transaction has locked the group. An owner's group goes to its longest member; the last one to
 * leave deletes it.
 */
export async function leaveForGood(tx: EntityManager, groupId: number, userId: number): Promise<void> {
  await tx.delete(Member, { conversationId: groupId, userId });
  const [heir] = await tx.find(Member, {
    where: { conversationId: groupId },
    order: { joinedAt: 'ASC', userId: 'ASC' },
    take: 1,
  });
  if (heir) {
    await tx.update(ChatGroup, { conversationId: groupId, ownerId: userId }, { ownerId: heir.userId });
    await tx.decrement(ChatGroup, { conversationId: groupId }, 'memberCount', 1);
  } else {
    await tx.delete(Message, { conversationId: groupId });
    await tx.delete(ChatGroup, { conversationId: groupId });
    await tx.delete(Conversation, { id: groupId });
  }
}
