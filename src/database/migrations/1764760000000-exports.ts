import type { MigrationInterface, QueryRunner } from 'typeorm';
import { bytes, id, integer, key, moment, nullable, references, table, varchar } from './table.js';

/** Exports of what is a person's own, and the pieces of their zip files. */
export class Exports1764760000000 implements MigrationInterface {
  name = 'Exports1764760000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'exports',
        columns: [
          id(),
          nullable(integer('user_id')),
          varchar('state', 8),
          nullable(varchar('token_hash', 64)),
          moment('created_at'),
          nullable(moment('ready_at')),
          nullable(moment('expires_at')),
          integer('size'),
          integer('downloads'),
          integer('tries'),
          moment('next_try_at'),
        ],
        uniques: [{ name: 'uq_exports_token', columnNames: ['token_hash'] }],
        foreignKeys: [references('fk_exports_user', 'user_id', 'users')],
        indices: [
          { name: 'ix_exports_user', columnNames: ['user_id', 'id'] },
          { name: 'ix_exports_state', columnNames: ['state', 'id'] },
        ],
      }),
      // A migration that broke off on MySQL is not undone.
      true,
    );
    await runner.createTable(
      table({
        name: 'export_parts',
        columns: [key('export_id'), key('part'), bytes('bytes')],
        foreignKeys: [references('fk_export_parts_export', 'export_id', 'exports')],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('export_parts');
    await runner.dropTable('exports');
  }
}
