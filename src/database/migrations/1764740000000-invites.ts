import type { MigrationInterface, QueryRunner } from 'typeorm';
import { id, integer, moment, nullable, table, varchar } from './table.js';

/** Invitations, and by which of them somebody registers. */
export class Invites1764740000000 implements MigrationInterface {
  name = 'Invites1764740000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'invites',
        columns: [
          id(),
          varchar('token_hash', 64),
          integer('max_uses'),
          integer('uses'),
          nullable(varchar('note', 200)),
          nullable(integer('created_by')),
          moment('created_at'),
          moment('expires_at'),
          nullable(moment('revoked_at')),
          moment('ends_at'),
        ],
        uniques: [{ name: 'uq_invites_token', columnNames: ['token_hash'] }],
        indices: [
          { name: 'ix_invites_ends', columnNames: ['ends_at'] },
          { name: 'ix_invites_created_by', columnNames: ['created_by'] },
        ],
      }),
      // A migration that broke off on MySQL is not undone.
      true,
    );
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE registrations ADD COLUMN invite_id integer NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE registrations DROP COLUMN invite_id');
    await runner.dropTable('invites');
  }
}
