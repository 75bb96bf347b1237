import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, moment, nullable, references, table } from './table.js';

/** Who asks to be let into a group, and who was removed from one. */
export class GroupDoors1764200000000 implements MigrationInterface {
  name = 'GroupDoors1764200000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'access_requests',
        withoutRowid: true,
        columns: [key('conversation_id'), key('user_id'), moment('created_at'), nullable(moment('refused_at'))],
        foreignKeys: [
          references('fk_access_requests_conversation', 'conversation_id', 'conversations'),
          references('fk_access_requests_user', 'user_id', 'users'),
        ],
        indices: [
          {
            name: 'ix_access_requests_waiting',
            columnNames: ['conversation_id', 'refused_at', 'created_at', 'user_id'],
          },
          { name: 'ix_access_requests_user', columnNames: ['user_id'] },
        ],
      }),
    );
    await runner.createTable(
      table({
        name: 'group_removals',
        withoutRowid: true,
        columns: [key('conversation_id'), key('user_id'), moment('removed_at')],
        foreignKeys: [
          references('fk_group_removals_conversation', 'conversation_id', 'conversations'),
          references('fk_group_removals_user', 'user_id', 'users'),
        ],
        indices: [{ name: 'ix_group_removals_user', columnNames: ['user_id'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('group_removals');
    await runner.dropTable('access_requests');
  }
}
