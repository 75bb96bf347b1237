import { Entity, Index } from 'typeorm';
import { IntegerColumn, KeyColumn, MomentColumn, NullableIntegerColumn } from '../database/columns.js';

/**
 * A question that waits for its answer. Written in the transaction of the question's message, deleted in that of the answer's, so that a
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

  /** The node that answers it (`Claims`), the same for all that wait of one user. Null: from before this column. */
  @NullableIntegerColumn('claimed_by')
  claimedBy!: number | null;
}
