import type { MigrationInterface, QueryRunner } from 'typeorm';
import { integer, key, nullable, table, text, varchar } from './table.js';

/** Settings that admins change while the server runs. */
export class Settings1764730000000 implements MigrationInterface {
  name = 'Settings1764730000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'settings',
        columns: [
          key('id'),
          integer('version'),
          nullable(varchar('registration', 16)),
          nullable(text('allowed_domains')),
          nullable(integer('registrations_per_hour')),
          nullable(text('motd')),
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('settings');
  }
}
