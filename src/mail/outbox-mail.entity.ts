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

/** A mail that has not left yet, or that no server took. What was sent is deleted. */
@Entity('mail_outbox')
@Index('ix_mail_outbox_next_attempt', ['nextAttemptAt'])
@Index('ix_mail_outbox_priority', ['priority', 'nextAttemptAt'])
@Index('ix_mail_outbox_recipient', ['recipient'])
export class OutboxMail {
  @GeneratedId()
  id!: number;

  /** Recipient and content, encrypted: mails carry links that must not be readable in the database. */
  @TextColumn('sealed')
  sealed!: string;

  /** The recipient, as `Seal.mark` writes it: enough to find their mails. Null: to nobody. */
  @NullableVarcharColumn('recipient', 64)
  recipient!: string | null;

  /** The domain of the recipient, in the same way: one that is slow must not hold all others. Null: to nobody, or from before. */
  @NullableVarcharColumn('domain', 64)
  domain!: string | null;

  /** What leaves first, the lowest: twice the rank of its kind (`RANKS`), and one more since it was refused. Null: from before. */
  @NullableIntegerColumn('priority')
  priority!: number | null;

  @MomentColumn('created_at')
  createdAt!: Date;

  @IntegerColumn('attempts')
  attempts!: number;

  /** Null: given up. */
  @NullableMomentColumn('next_attempt_at')
  nextAttemptAt!: Date | null;

  /** The mail server's words at the last attempt, or nothing. */
  @VarcharColumn('last_error', 300)
  lastError!: string;
}
