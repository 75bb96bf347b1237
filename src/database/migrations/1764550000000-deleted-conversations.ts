import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, moment, references, table } from './table.js';

/** Chats that are gone, and whose messages are still being deleted. And who has been a member of a chat for longest. */
export class DeletedConversations1764550000000 implements MigrationInterface {
  name = 'DeletedConversations1764550000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'deleted_conversations',
        withoutRowid: true,
        columns: [key('conversation_id'), moment('deleted_at')],
        foreignKeys: [references('fk_deleted_conversations_conversation', 'conversation_id', 'conversations')],
      }),
    );
    await runner.query('CREATE INDEX ix_members_joined ON members (conversation_id, joined_at, user_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    const isSqlite = runner.connection.options.type === 'better-sqlite3';
    await runner.query(`DROP INDEX ix_members_joined ${isSqlite ? '' : 'ON members'}`);
    await runner.dropTable('deleted_conversations');
  }
}
