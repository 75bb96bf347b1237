import { Entity, Index } from 'typeorm';
import { User } from '../identity/user.entity.js';
import { KeyColumn, MomentColumn, References } from '../database/columns.js';

/** One user has blocked another. */
@Entity('blocks', { withoutRowid: true })
@Index('ix_blocks_blocked', ['blockedId'])
export class Block {
  @KeyColumn('blocker_id')
  @References(() => User, 'fk_blocks_blocker')
  blockerId!: number;

  @KeyColumn('blocked_id')
  @References(() => User, 'fk_blocks_blocked')
  blockedId!: number;

  @MomentColumn('created_at')
  createdAt!: Date;
}
