import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a message says beside its text: which message it answers, say. */
export class Extras1764600000000 implements MigrationInterface {
  name = 'Extras1764600000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE messages ADD COLUMN extras text NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE messages DROP COLUMN extras');
  }
}
