import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Groups that admins have frozen. */
export class FrozenGroups1764710000000 implements MigrationInterface {
  name = 'FrozenGroups1764710000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE chat_groups ADD COLUMN is_frozen boolean NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE chat_groups DROP COLUMN is_frozen');
  }
}
