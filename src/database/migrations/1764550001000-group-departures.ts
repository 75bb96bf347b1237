import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, moment, references, table } from './table.js';

/** Who has given up membership of a group. Departures from before this migration are unknown. */
export class GroupDepartures1764550001000 implements MigrationInterface {
  name = 'GroupDepartures1764550001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'group_departures',
        withoutRowid: true,
        columns: [key('conversation_id'), key('user_id'), moment('left_at')],
        foreignKeys: [
          references('fk_group_departures_conversation', 'conversation_id', 'conversations'),
          references('fk_group_departures_user', 'user_id', 'users'),
        ],
        indices: [{ name: 'ix_group_departures_user', columnNames: ['user_id'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('group_departures');
  }
}
