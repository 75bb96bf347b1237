import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, moment, references, table } from './table.js';

/** Who has blocked whom. */
export class Blocks1764400000000 implements MigrationInterface {
  name = 'Blocks1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'blocks',
        withoutRowid: true,
        columns: [key('blocker_id'), key('blocked_id'), moment('created_at')],
        foreignKeys: [
          references('fk_blocks_blocker', 'blocker_id', 'users'),
          references('fk_blocks_blocked', 'blocked_id', 'users'),
        ],
        indices: [{ name: 'ix_blocks_blocked', columnNames: ['blocked_id'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('blocks');
  }
}
