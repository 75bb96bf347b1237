import type { MigrationInterface, QueryRunner } from 'typeorm';

const onServer = (runner: QueryRunner, sql: string): string =>
  runner.connection.options.type === 'better-sqlite3' ? '' : sql;

/**
 * What only one of many nodes does, and who sends a mail or answers a question. Also, by migration, the oldest program that may run beside
 * what it made.
 */
export class Leases1764570000000 implements MigrationInterface {
  name = 'Leases1764570000000';

  async up(runner: QueryRunner): Promise<void> {
    await makeLeaseTables(runner);
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE mail_outbox ADD COLUMN claimed_by integer NULL');
    await runner.query('CREATE INDEX ix_mail_outbox_claimed_by ON mail_outbox (claimed_by)');
    await runner.query('ALTER TABLE bot_questions ADD COLUMN claimed_by integer NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE bot_questions DROP COLUMN claimed_by');
    await runner.query(`DROP INDEX ix_mail_outbox_claimed_by ${onServer(runner, 'ON mail_outbox')}`);
    await runner.query('ALTER TABLE mail_outbox DROP COLUMN claimed_by');
    await runner.query('DROP TABLE schema_floors');
    await runner.query('DROP TABLE leases');
  }
}

/** Does nothing where they are there: many nodes make them before the first migration, which runs under a lease. */
export async function makeLeaseTables(runner: QueryRunner): Promise<void> {
  const end = onServer(runner, 'ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin');
  await runner.query(
    `CREATE TABLE IF NOT EXISTS leases
     (name varchar(64) NOT NULL PRIMARY KEY, holder integer NOT NULL, until datetime(3) NOT NULL) ${end}`,
  );
  await runner.query(
    `CREATE TABLE IF NOT EXISTS schema_floors
     (migration varchar(100) NOT NULL PRIMARY KEY, oldest_program varchar(32) NOT NULL) ${end}`,
  );
}
