import { Entity, Index } from 'typeorm';
import { User } from '../../identity/user.entity.js';
import { Conversation } from '../../conversations/conversation.entity.js';
import { KeyColumn, MomentColumn, References } from '../../database/columns.js';

/** The owner has removed a user, and only the owner can bring them back: an open group is closed to them, too. */
@Entity('group_removals', { withoutRowid: true })
@Index('ix_group_removals_user', ['userId'])
export class GroupRemoval {
  @KeyColumn('conversation_id')
  @References(() => Conversation, 'fk_group_removals_conversation')
  conversationId!: number;

  @KeyColumn('user_id')
  @References(() => User, 'fk_group_removals_user')
  userId!: number;

  @MomentColumn('removed_at')
  removedAt!: Date;
}
