import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which mail leaves first, and to which domain. Those that wait already say neither: they leave before all others. */
export class MailTurns1764510000000 implements MigrationInterface {
  name = 'MailTurns1764510000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE mail_outbox ADD COLUMN domain varchar(64) NULL');
    await runner.query('ALTER TABLE mail_outbox ADD COLUMN priority integer NULL');
    await runner.query('CREATE INDEX ix_mail_outbox_priority ON mail_outbox (priority, next_attempt_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    const on = runner.connection.options.type === 'better-sqlite3' ? '' : 'ON mail_outbox';
    await runner.query(`DROP INDEX ix_mail_outbox_priority ${on}`);
    await runner.query('ALTER TABLE mail_outbox DROP COLUMN priority');
    await runner.query('ALTER TABLE mail_outbox DROP COLUMN domain');
  }
}
