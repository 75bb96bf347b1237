import { Entity, Index } from 'typeorm';
import { KeyColumn, MomentColumn } from '../database/columns.js';

/** The user id of a row that stands for all members. */
export const EVERYONE = 0;

/**
 * A user is named in a message, or their message is answered by it. Whoever is no member any more keeps the rows, and sees none of them. No
 * foreign keys: as for messages.
 */
@Entity('mentions', { withoutRowid: true })
@Index('ix_mentions_user', ['userId', 'createdAt'])
export class Mention {
  @KeyColumn('conversation_id')
  conversationId!: number;

  /** EVERYONE in one row for all, however large the group is. */
  @KeyColumn('user_id')
  userId!: number;

  /** Of the message. */
  @KeyColumn('seq')
  seq!: number;

  /** The message's. */
  @MomentColumn('created_at')
  createdAt!: Date;
}
