import type { MigrationInterface, QueryRunner } from 'typeorm';
import { id, integer, moment, references, table, varchar } from './table.js';

/** Passwords that were replaced with a token alone, for as long as they can be taken back. */
export class ReplacedPasswords1764520000000 implements MigrationInterface {
  name = 'ReplacedPasswords1764520000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'replaced_passwords',
        columns: [
          id(),
          varchar('token_hash', 64),
          integer('user_id'),
          varchar('password_hash', 128),
          moment('expires_at'),
        ],
        uniques: [{ name: 'uq_replaced_passwords_token', columnNames: ['token_hash'] }],
        foreignKeys: [references('fk_replaced_passwords_user', 'user_id', 'users')],
        indices: [
          { name: 'ix_replaced_passwords_user', columnNames: ['user_id', 'id'] },
          { name: 'ix_replaced_passwords_expires', columnNames: ['expires_at'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('replaced_passwords');
  }
}
