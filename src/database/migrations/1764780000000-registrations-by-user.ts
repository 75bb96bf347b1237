import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The registration that has made an account, which the end of the account looks for. */
export class RegistrationsByUser1764780000000 implements MigrationInterface {
  name = 'RegistrationsByUser1764780000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX ix_registrations_user ON registrations (user_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    const on = runner.connection.options.type === 'better-sqlite3' ? '' : 'ON registrations';
    await runner.query(`DROP INDEX ix_registrations_user ${on}`);
  }
}
