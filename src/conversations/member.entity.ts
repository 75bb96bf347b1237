import { Column, Entity, Index } from 'typeorm';
import { IntegerColumn, KeyColumn, MomentColumn } from '../database/columns.js';

// No foreign keys here and on messages: rows are only inserted by transactions that hold their conversation's row, and a check of
// each would be paid on the hottest path.

/** Someone's part in a conversation. */
@Entity('members', { withoutRowid: true })
@Index('ix_members_user', ['userId'])
@Index('ix_members_joined', ['conversationId', 'joinedAt', 'userId'])
@Index('ix_members_is_in', ['isIn', 'userId'])
export class Member {
  @KeyColumn('conversation_id')
  conversationId!: number;

  @KeyColumn('user_id')
  userId!: number;

  /** They have read up to here; never goes back. */
  @IntegerColumn('last_read_seq')
  lastReadSeq!: number;

  /** Groups: they are in it right now, and its messages come to them as they are written. */
  @Column({ type: 'boolean', name: 'is_in', default: false })
  isIn!: boolean;

  @MomentColumn('joined_at')
  joinedAt!: Date;
}
