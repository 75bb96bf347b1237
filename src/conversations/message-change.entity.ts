import { Entity } from 'typeorm';
import { IntegerColumn, KeyColumn } from '../database/columns.js';

/**
 * A message that was edited or deleted, by the number of its latest change: one row for each changed message. A table of its own, and not an
 * index on messages, so that sending costs no more for it.
 */
@Entity('message_changes', { withoutRowid: true })
export class MessageChange {
  @KeyColumn('conversation_id')
  conversationId!: number;

  /** 1, 2, 3 … within the conversation. The number of a change is missing once the same message was changed again. */
  @KeyColumn('change_seq')
  change!: number;

  @IntegerColumn('seq')
  seq!: number;
}
