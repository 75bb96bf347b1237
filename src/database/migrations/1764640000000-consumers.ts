import type { MigrationInterface, QueryRunner } from 'typeorm';
import { integer, key, nullable, table, varchar } from './table.js';

/** How far each consumer of the message log has come in each chat. */
export class Consumers1764640000000 implements MigrationInterface {
  name = 'Consumers1764640000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'consumer_marks',
        withoutRowid: true,
        columns: [
          key('conversation_id'),
          { ...varchar('name', 64), isPrimary: true },
          integer('seq'),
          integer('change_seq'),
          nullable(integer('claimed_by')),
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('consumer_marks');
  }
}
