import type { MigrationInterface, QueryRunner } from 'typeorm';
import { boolean, id, integer, moment, nullable, references, table, varchar } from './table.js';

/** Links that give an account another address, and ways back to former ones. */
export class EmailLinks1764750000000 implements MigrationInterface {
  name = 'EmailLinks1764750000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'email_links',
        columns: [
          id(),
          varchar('token_hash', 64),
          nullable(integer('user_id')),
          varchar('email', 254),
          boolean('is_return'),
          moment('expires_at'),
        ],
        uniques: [{ name: 'uq_email_links_token', columnNames: ['token_hash'] }],
        foreignKeys: [references('fk_email_links_user', 'user_id', 'users')],
        indices: [
          { name: 'ix_email_links_user', columnNames: ['user_id', 'id'] },
          { name: 'ix_email_links_email', columnNames: ['email', 'id'] },
          { name: 'ix_email_links_expires', columnNames: ['expires_at'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('email_links');
  }
}
