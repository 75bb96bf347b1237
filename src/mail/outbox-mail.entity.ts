import { Entity, Index } from 'typeorm';
import {
  GeneratedId,
  IntegerColumn,
  MomentColumn,
  NullableIntegerColumn,
  NullableMomentColumn,
  NullableVarcharColumn,
  TextColumn,
  VarcharColumn,
} from '../database/columns.js';

/** A mail that is not sent yet, or was given up. Mails that were sent are deleted. */
@Entity('mail_outbox')
@Index('ix_mail_outbox_next_attempt', ['nextAttemptAt'])
@Index('ix_mail_outbox_priority', ['priority', 'nextAttemptAt'])
@Index('ix_mail_outbox_recipient', ['recipient'])
@Index('ix_mail_outbox_claimed_by', ['claimedBy'])
export class OutboxMail {
  @GeneratedId()
  id!: number;

  /** Recipient and content, encrypted: mails carry links that must not be readable in the database. */
  @TextColumn('sealed')
  sealed!: string;

  /** The blind index of the recipient (`Seal.blindIndex`), to find their mails. Null: no recipient. */
  @NullableVarcharColumn('recipient', 64)
  recipient!: string | null;

  /** The same of the recipient's domain: a slow one must not hold up all others. Null: no recipient, or a mail from before this column. */
  @NullableVarcharColumn('domain', 64)
  domain!: string | null;

  /** The order of sending, the lowest first: twice the rank of its kind (`RANKS`), plus one after a failure. Null: from before this column. */
  @NullableIntegerColumn('priority')
  priority!: number | null;

  @MomentColumn('created_at')
  createdAt!: Date;

  @IntegerColumn('attempts')
  attempts!: number;

  /** Null: given up. */
  @NullableMomentColumn('next_attempt_at')
  nextAttemptAt!: Date | null;

  /** The code of the last failure, empty where there was none. */
  @VarcharColumn('last_error', 300)
  lastError!: string;

  /** The node that sends it right now (`Claims`). Null: none. */
  @NullableIntegerColumn('claimed_by')
  claimedBy!: number | null;
}
