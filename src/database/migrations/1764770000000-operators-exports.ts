import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Exports that those who run the server have asked for. */
export class OperatorsExports1764770000000 implements MigrationInterface {
  name = 'OperatorsExports1764770000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite. The default is for nodes of the version before.
    await runner.query('ALTER TABLE exports ADD COLUMN by_operator boolean NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE exports DROP COLUMN by_operator');
  }
}
