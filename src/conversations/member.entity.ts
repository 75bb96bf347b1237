import { Column, Entity, Index } from 'typeorm';
import {
  IntegerColumn,
  KeyColumn,
  MomentColumn,
  NullableMomentColumn,
  NullableVarcharColumn,
} from '../database/columns.js';
import type { NotifyLevel } from '../sockets/events/chat-settings.js';

// No foreign keys here and on messages: rows are only inserted by transactions that hold their conversation's row, and a check of
// each would be paid on the hottest path.

/** A user's membership of a conversation. */
@Entity('members', { withoutRowid: true })
@Index('ix_members_user', ['userId'])
@Index('ix_members_joined', ['conversationId', 'joinedAt', 'userId'])
@Index('ix_members_is_in', ['isIn', 'userId'])
export class Member {
  @KeyColumn('conversation_id')
  conversationId!: number;

  @KeyColumn('user_id')
  userId!: number;

  /** The member has read up to here; never goes back. */
  @IntegerColumn('last_read_seq')
  lastReadSeq!: number;

  /** Groups: the member is in it right now, and their sockets get its messages as they are written. */
  @Column({ type: 'boolean', name: 'is_in', default: false })
  isIn!: boolean;

  @MomentColumn('joined_at')
  joinedAt!: Date;

  /** Of which messages the member wants to be told; null for the default of the kind of chat: see `DEFAULT_NOTIFY`. */
  @NullableVarcharColumn('notify', 8)
  notify!: NotifyLevel | null;

  /** Until then, the member wants to be told of nothing but mentions by name. */
  @NullableMomentColumn('muted_until')
  mutedUntil!: Date | null;

  @Column({ type: 'boolean', name: 'is_favourite', default: false })
  isFavourite!: boolean;

  @Column({ type: 'boolean', name: 'is_archived', default: false })
  isArchived!: boolean;
}
