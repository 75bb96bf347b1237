import { Entity } from 'typeorm';
import { IntegerColumn, KeyColumn } from '../database/columns.js';

/**
 * A message that was edited or deleted, under the number of its latest change: one row per changed message. A table of its own,
 * and not an index on messages, so that sending pays nothing for it.
 */
@Entity('message_changes', { withoutRowid: true })
export class MessageChange {
  @KeyColumn('conversation_id')
  conversationId!: number;

  /** 1, 2, 3 … within the conversation. Numbers of changes that a later one to the same message overtook are missing. */
  @KeyColumn('change_seq')
  change!: number;

  @IntegerColumn('seq')
  seq!: number;
}
