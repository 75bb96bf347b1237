import type { MigrationInterface, QueryRunner } from 'typeorm';
import { id, integer, key, moment, nullable, table, text, varchar } from './table.js';

/** Messages that members of a chat have reported, with copies of them. */
export class Reports1764720000000 implements MigrationInterface {
  name = 'Reports1764720000000';

  async up(runner: QueryRunner): Promise<void> {
    const index = (column: string, ...more: string[]) => ({
      name: `ix_reports_${column.replace(/_(id|at)$/, '')}`,
      columnNames: [column, ...more],
    });
    await runner.createTable(
      table({
        name: 'reports',
        columns: [
          id(),
          nullable(integer('reporter_id')),
          integer('reported_id'),
          integer('conversation_id'),
          varchar('kind', 8),
          integer('seq'),
          varchar('reason', 16),
          nullable(text('note')),
          varchar('status', 16),
          nullable(varchar('action', 16)),
          moment('created_at'),
          nullable(moment('settled_at')),
          nullable(integer('settled_by')),
        ],
        // A repeat of a report is none.
        uniques: [{ name: 'uq_reports_message', columnNames: ['conversation_id', 'seq', 'reporter_id'] }],
        indices: [index('status', 'id'), index('reporter_id'), index('created_at'), index('settled_at')],
      }),
      // A migration that broke off on MySQL is not undone.
      true,
    );
    await runner.createTable(
      table({
        name: 'report_messages',
        withoutRowid: true,
        columns: [key('report_id'), key('seq'), integer('sender_id'), text('body'), moment('created_at')],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['report_messages', 'reports']) await runner.dropTable(name);
  }
}
