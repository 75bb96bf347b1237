import { Entity, Index } from 'typeorm';
import {
  GeneratedId,
  IntegerColumn,
  MomentColumn,
  NullableMomentColumn,
  NullableVarcharColumn,
  TextColumn,
  VarcharColumn,
} from '../database/columns.js';

/** A mail that has not left yet, or that no server took. What was sent is deleted. */
@Entity('mail_outbox')
@Index('ix_mail_outbox_next_attempt', ['nextAttemptAt'])
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
