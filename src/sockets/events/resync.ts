import { ApiProperty } from '@nestjs/swagger';

export const RESYNC_REASONS = ['events_missed'] as const;

export type ResyncReason = (typeof RESYNC_REASONS)[number];

/** Events may have been lost on their way to this socket, which is open all the same: its client looks again, as after a reconnect. */
export class Resync {
  @ApiProperty({
    enum: RESYNC_REASONS,
    description: 'Why. A client does the same for each, also for those that it does not know',
  })
  reason!: ResyncReason;
}
