import { ApiProperty } from '@nestjs/swagger';

export const REPORT_STATUSES = ['open', 'resolved', 'dismissed'] as const;

export type ReportStatus = (typeof REPORT_STATUSES)[number];

/** A report is new, or was settled. It says nothing of what was reported: a moderator opens it to read that. */
export class ReportNews {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which report' })
  id!: number;

  @ApiProperty({ enum: REPORT_STATUSES })
  status!: ReportStatus;

  @ApiProperty({ enum: ['spam', 'abuse', 'illegal', 'other'] })
  reason!: 'spam' | 'abuse' | 'illegal' | 'other';

  @ApiProperty({ format: 'date-time', description: 'When it was made; ISO 8601, UTC, milliseconds' })
  created_at!: string;
}
