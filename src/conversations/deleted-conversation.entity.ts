import { Entity } from 'typeorm';
import { KeyColumn, MomentColumn, References } from '../database/columns.js';
import { Conversation } from './conversation.entity.js';

/** A chat that is gone for everybody, and whose messages are still being deleted: see `conversation-removal.ts`. */
@Entity('deleted_conversations', { withoutRowid: true })
export class DeletedConversation {
  @KeyColumn('conversation_id')
  @References(() => Conversation, 'fk_deleted_conversations_conversation')
  conversationId!: number;

  @MomentColumn('deleted_at')
  deletedAt!: Date;
}
