import { Entity, Index } from 'typeorm';
import { User } from '../../identity/user.entity.js';
import { Conversation } from '../../conversations/conversation.entity.js';
import { KeyColumn, MomentColumn, References } from '../../database/columns.js';

/** The owner removed somebody, who is let in by the owner or not at all: to them, an open group is closed, too. */
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
