import type { MigrationInterface, QueryRunner } from 'typeorm';
import { boolean, integer, key, references, table, varchar } from './table.js';

/** Groups, and who is in them right now. */
export class Groups1763900000000 implements MigrationInterface {
  name = 'Groups1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'chat_groups',
        columns: [
          key('conversation_id'),
          varchar('name', 100),
          integer('owner_id'),
          boolean('is_private'),
          integer('member_count'),
        ],
        foreignKeys: [
          references('fk_chat_groups_conversation', 'conversation_id', 'conversations'),
          references('fk_chat_groups_owner', 'owner_id', 'users'),
        ],
      }),
    );
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE members ADD COLUMN is_in boolean NOT NULL DEFAULT 0');
    await runner.query('CREATE INDEX ix_members_is_in ON members (is_in, user_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP INDEX ix_members_is_in ${runner.connection.options.type === 'better-sqlite3' ? '' : 'ON members'}`,
    );
    await runner.query('ALTER TABLE members DROP COLUMN is_in');
    await runner.dropTable('chat_groups');
  }
}
