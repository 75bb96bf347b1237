import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, moment, table } from './table.js';

/** Who is named in which message, and when a member has last named everyone in a group. */
export class Mentions1764610000000 implements MigrationInterface {
  name = 'Mentions1764610000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'mentions',
        withoutRowid: true,
        columns: [key('conversation_id'), key('user_id'), key('seq'), moment('created_at')],
        indices: [{ name: 'ix_mentions_user', columnNames: ['user_id', 'created_at'] }],
      }),
    );
    await runner.query('ALTER TABLE chat_groups ADD COLUMN everyone_at datetime(3) NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE chat_groups DROP COLUMN everyone_at');
    await runner.dropTable('mentions');
  }
}
