import type { MigrationInterface, QueryRunner } from 'typeorm';
import { integer, key, table, varchar } from './table.js';

/** Who has reacted to which message, how many of each emoji there are, and messages whose reactions are still being deleted. */
export class Reactions1764630000000 implements MigrationInterface {
  name = 'Reactions1764630000000';

  async up(runner: QueryRunner): Promise<void> {
    const emoji = { ...varchar('emoji', 32), isPrimary: true };
    const message = [key('conversation_id'), key('seq')];
    const tables = [
      {
        name: 'reactions',
        columns: [...message, emoji, key('user_id')],
        indices: [{ name: 'ix_reactions_user', columnNames: ['conversation_id', 'user_id', 'seq'] }],
      },
      { name: 'reaction_totals', columns: [...message, emoji, integer('total'), integer('first_change')] },
      { name: 'deleted_reactions', columns: message },
    ];
    // A migration that broke off on MySQL is not undone.
    for (const options of tables) await runner.createTable(table({ ...options, withoutRowid: true }), true);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['deleted_reactions', 'reaction_totals', 'reactions']) await runner.dropTable(name);
  }
}
