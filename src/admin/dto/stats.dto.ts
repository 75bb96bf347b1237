import { ApiProperty } from '@nestjs/swagger';

const Count = (description: string): PropertyDecorator => ApiProperty({ type: 'integer', minimum: 0, description });

/** Counters, and no names. */
export class StatsView {
  @ApiProperty({ format: 'date-time', description: 'When they were counted: within the last minute' })
  at!: string;

  @Count('Accounts')
  people!: number;

  @Count('Those of them that are suspended')
  suspended!: number;

  @Count('Those with the role')
  moderators!: number;

  @Count('Those with the role')
  admins!: number;

  @Count('People with a socket open, on all nodes')
  online!: number;

  @Count('Direct rooms')
  rooms!: number;

  @Count('Groups')
  groups!: number;

  @Count('Those of them that are frozen')
  frozen_groups!: number;

  @Count('Messages that were stored in rooms and groups that are there; deleted ones count')
  messages!: number;

  @Count('Reports that wait')
  open_reports!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Nodes that hear each other, this one among them' })
  nodes!: number;
}
