import type { MigrationInterface, QueryRunner } from 'typeorm';
import { id, integer, moment, nullable, references, table, varchar } from './table.js';

/** Links that set a new password, registrations found by their address, and mails found by theirs. */
export class Accounts1764100000000 implements MigrationInterface {
  name = 'Accounts1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'password_resets',
        columns: [id(), varchar('token_hash', 64), nullable(integer('user_id')), moment('expires_at')],
        uniques: [{ name: 'uq_password_resets_token', columnNames: ['token_hash'] }],
        foreignKeys: [references('fk_password_resets_user', 'user_id', 'users')],
        indices: [
          { name: 'ix_password_resets_user', columnNames: ['user_id'] },
          { name: 'ix_password_resets_expires', columnNames: ['expires_at'] },
        ],
      }),
    );
    await runner.query('CREATE INDEX ix_registrations_email ON registrations (email, id)');
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE mail_outbox ADD COLUMN recipient varchar(64) NULL');
    await runner.query('CREATE INDEX ix_mail_outbox_recipient ON mail_outbox (recipient)');
  }

  async down(runner: QueryRunner): Promise<void> {
    const on = (name: string) => (runner.connection.options.type === 'better-sqlite3' ? '' : `ON ${name}`);
    await runner.query(`DROP INDEX ix_mail_outbox_recipient ${on('mail_outbox')}`);
    await runner.query('ALTER TABLE mail_outbox DROP COLUMN recipient');
    await runner.query(`DROP INDEX ix_registrations_email ${on('registrations')}`);
    await runner.dropTable('password_resets');
  }
}
