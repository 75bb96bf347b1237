import { Entity, Index, Unique } from 'typeorm';
import type { EditableKindName } from '../conversations/chat-kind.js';
import {
  GeneratedId,
  IntegerColumn,
  KeyColumn,
  MomentColumn,
  NullableIntegerColumn,
  NullableMomentColumn,
  NullableTextColumn,
  NullableVarcharColumn,
  TextColumn,
  VarcharColumn,
} from '../database/columns.js';
import type { ReportStatus } from '../sockets/events/reports.js';
import type { ReportAction, ReportReason } from './dto/report.dto.js';

/**
 * A member of a chat has reported a message. It outlives the message, the chat and the accounts of those who have to do with it, for as long as
 * `ReportRetention` says.
 */
@Entity('reports')
@Unique('uq_reports_message', ['conversationId', 'seq', 'reporterId'])
@Index('ix_reports_status', ['status', 'id'])
@Index('ix_reports_reporter', ['reporterId'])
@Index('ix_reports_created', ['createdAt'])
@Index('ix_reports_settled', ['settledAt'])
export class Report {
  @GeneratedId()
  id!: number;

  /** Null where they have erased their account. */
  @NullableIntegerColumn('reporter_id')
  reporterId!: number | null;

  /** Who sent the message. */
  @IntegerColumn('reported_id')
  reportedId!: number;

  @IntegerColumn('conversation_id')
  conversationId!: number;

  @VarcharColumn('kind', 8)
  kind!: EditableKindName;

  @IntegerColumn('seq')
  seq!: number;

  @VarcharColumn('reason', 16)
  reason!: ReportReason;

  @NullableTextColumn('note')
  note!: string | null;

  @VarcharColumn('status', 16)
  status!: ReportStatus;

  /** Null while it is open. */
  @NullableVarcharColumn('action', 16)
  action!: ReportAction | null;

  @MomentColumn('created_at')
  createdAt!: Date;

  @NullableMomentColumn('settled_at')
  settledAt!: Date | null;

  /** Null while it is open, and where the command line has settled it. */
  @NullableIntegerColumn('settled_by')
  settledBy!: number | null;
}

/** A copy of the reported message, or of one of those before it, as it was when it was reported. */
@Entity('report_messages', { withoutRowid: true })
export class ReportMessage {
  @KeyColumn('report_id')
  reportId!: number;

  @KeyColumn('seq')
  seq!: number;

  @IntegerColumn('sender_id')
  senderId!: number;

  /** Empty where it was deleted by then. */
  @TextColumn('body')
  body!: string;

  @MomentColumn('created_at')
  createdAt!: Date;
}
