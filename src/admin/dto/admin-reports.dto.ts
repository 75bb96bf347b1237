import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { CursorQuery } from '../../common/pages.js';
import { REPORT_ACTIONS, REPORT_REASONS, type ReportAction, type ReportReason } from '../../reports/dto/report.dto.js';
import { REPORT_STATUSES, type ReportStatus } from '../../sockets/events/reports.js';
import { WordField } from './admin-users.dto.js';

export const SETTLED = ['resolved', 'dismissed'] as const satisfies readonly ReportStatus[];

export class AdminReportsQuery extends CursorQuery {
  @WordField('Only those', REPORT_STATUSES)
  status?: ReportStatus | null;
}

export class SettleReport {
  @ApiProperty({ enum: SETTLED, description: 'resolved: something was wrong; dismissed: nothing was' })
  @IsIn(SETTLED, { message: `must be one of ${SETTLED.join(', ')}` })
  status!: (typeof SETTLED)[number];

  @WordField('What is done about it, by this request; left out: none. Only with resolved', REPORT_ACTIONS)
  action?: ReportAction | null;
}

export class AdminReportView {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty({ enum: REPORT_STATUSES })
  status!: ReportStatus;

  @ApiProperty({ enum: REPORT_REASONS })
  reason!: ReportReason;

  @ApiProperty({ enum: ['room', 'group'] })
  chat_type!: 'room' | 'group';

  @ApiPropertyOptional({ type: 'integer', description: 'Where it is a room' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'Where it is a group' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer', description: 'Of the message' })
  seq!: number;

  @ApiProperty({ type: 'integer', description: 'Who sent the message' })
  reported_id!: number;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Who reported it; null: their account is erased' })
  reporter_id!: number | null;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty({ enum: REPORT_ACTIONS, type: String, nullable: true, description: 'null while it is open' })
  action!: ReportAction | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'null while it is open' })
  settled_at!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'null while it is open, and for the command line' })
  settled_by!: number | null;
}

export class SettledReport extends AdminReportView {
  @ApiProperty({ description: 'It had been settled in this way before, and nothing was done now' })
  was_settled!: boolean;
}

/** A message as it was when it was reported. */
export class ReportedMessage {
  @ApiProperty({ type: 'integer' })
  seq!: number;

  @ApiProperty({ type: 'integer', description: 'The sender' })
  user_id!: number;

  @ApiProperty({ description: 'Empty where it was deleted by then' })
  message!: string;

  @ApiProperty({ format: 'date-time' })
  timestamp!: string;
}

export class OpenedReport extends AdminReportView {
  @ApiProperty({ type: String, nullable: true, description: 'What the reporter says' })
  note!: string | null;

  @ApiProperty({ type: [ReportedMessage], description: 'At most five: the last one is the one that was reported' })
  messages!: ReportedMessage[];
}
