import { Entity, Index } from 'typeorm';
import { User } from '../../identity/user.entity.js';
import { Conversation } from '../../conversations/conversation.entity.js';
import { KeyColumn, MomentColumn, NullableMomentColumn, References } from '../../database/columns.js';

/** A request for access to a group: waiting, or refused. Members have none. */
@Entity('access_requests', { withoutRowid: true })
@Index('ix_access_requests_waiting', ['conversationId', 'refusedAt', 'createdAt', 'userId'])
@Index('ix_access_requests_user', ['userId'])
export class AccessRequest {
  @KeyColumn('conversation_id')
  @References(() => Conversation, 'fk_access_requests_conversation')
  conversationId!: number;

  @KeyColumn('user_id')
  @References(() => User, 'fk_access_requests_user')
  userId!: number;

  @MomentColumn('created_at')
  createdAt!: Date;

  /** null while it waits. A refused request is kept, since the next one must wait. */
  @NullableMomentColumn('refused_at')
  refusedAt!: Date | null;
}
