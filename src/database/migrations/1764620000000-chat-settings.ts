import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a member wants to hear of a chat, and where they keep it. */
export class ChatSettings1764620000000 implements MigrationInterface {
  name = 'ChatSettings1764620000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE members ADD COLUMN notify varchar(8) NULL');
    await runner.query('ALTER TABLE members ADD COLUMN muted_until datetime(3) NULL');
    await runner.query('ALTER TABLE members ADD COLUMN is_favourite boolean NOT NULL DEFAULT 0');
    await runner.query('ALTER TABLE members ADD COLUMN is_archived boolean NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const column of ['is_archived', 'is_favourite', 'muted_until', 'notify'])
      await runner.query(`ALTER TABLE members DROP COLUMN ${column}`);
  }
}
