import { Entity, Index } from 'typeorm';
import { IntegerColumn, KeyColumn, MomentColumn } from '../database/columns.js';

/**
 * A question that waits for its answer: written together with the question's message, deleted together with the answer's. So a
 * restart finds what is still to be answered, and answers nothing twice.
 */
@Entity('bot_questions', { withoutRowid: true })
@Index('ix_bot_questions_user', ['userId'])
export class BotQuestion {
  @KeyColumn('conversation_id')
  conversationId!: number;

  /** Of the question's message. */
  @KeyColumn('seq')
  seq!: number;

  @IntegerColumn('user_id')
  userId!: number;

  @MomentColumn('created_at')
  createdAt!: Date;
}
