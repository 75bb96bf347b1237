import type { MigrationInterface, QueryRunner } from 'typeorm';
import { integer, key, moment, nullable, table, text, varchar } from './table.js';

const COLUMNS = 'conversation_id, seq, sender_id, body, created_at, client_id';

/** A message's time rises with its number: a search by number finds a moment, and no message pays for an index of times. */
export class NoTimeIndex1764050000000 implements MigrationInterface {
  name = 'NoTimeIndex1764050000000';

  async up(runner: QueryRunner): Promise<void> {
    if (isMysql(runner)) await runner.query('DROP INDEX uq_messages_created ON messages');
    else await this.remake(runner, false);
  }

  async down(runner: QueryRunner): Promise<void> {
    if (isMysql(runner))
      await runner.query('CREATE UNIQUE INDEX uq_messages_created ON messages (conversation_id, created_at)');
    else await this.remake(runner, true);
  }

  /** SQLite cannot drop a UNIQUE of CREATE TABLE: the table is made anew. */
  private async remake(runner: QueryRunner, withTimeIndex: boolean): Promise<void> {
    await runner.query('ALTER TABLE messages RENAME TO old_messages');
    await runner.createTable(
      table({
        name: 'messages',
        withoutRowid: true,
        columns: [
          key('conversation_id'),
          key('seq'),
          integer('sender_id'),
          text('body'),
          moment('created_at'),
          nullable(varchar('client_id', 64)),
        ],
        uniques: [
          ...(withTimeIndex ? [{ name: 'uq_messages_created', columnNames: ['conversation_id', 'created_at'] }] : []),
          { name: 'uq_messages_client_id', columnNames: ['conversation_id', 'sender_id', 'client_id'] },
        ],
      }),
    );
    await runner.query(`INSERT INTO messages (${COLUMNS}) SELECT ${COLUMNS} FROM old_messages`);
    await runner.query('DROP TABLE old_messages');
  }
}

const isMysql = (runner: QueryRunner): boolean => runner.connection.options.type !== 'better-sqlite3';
