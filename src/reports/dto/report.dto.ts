import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { IntegerField, TextField } from '../../common/fields.js';
import type { ReportNews } from '../../sockets/events/reports.js';

export type ReportReason = ReportNews['reason'];

export const REPORT_REASONS = ['spam', 'abuse', 'illegal', 'other'] as const satisfies readonly ReportReason[];

/** What was done when a report was settled. */
export const REPORT_ACTIONS = ['none', 'delete_message', 'suspend'] as const;

export type ReportAction = (typeof REPORT_ACTIONS)[number];

/** Longest note of who reports, in characters. */
export const MAX_NOTE = 1_000;

export class ReportRequest {
  @IntegerField({ description: 'The room; one of the two', optional: true })
  chat_room_id?: number | null;

  @IntegerField({ description: 'The group; one of the two', optional: true })
  chat_group_id?: number | null;

  @IntegerField({ description: 'Which message' })
  seq!: number;

  @ApiProperty({ enum: REPORT_REASONS, description: 'What is wrong with it' })
  @IsIn(REPORT_REASONS, { message: `must be one of ${REPORT_REASONS.join(', ')}` })
  reason!: ReportReason;

  @TextField({ description: 'The same in the words of who reports it', max: MAX_NOTE, optional: true })
  note?: string | null;
}

export class ReportMade {
  @ApiProperty({ type: 'integer', description: 'Of the report' })
  id!: number;
}
