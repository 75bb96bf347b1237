import type { MigrationInterface, QueryRunner } from 'typeorm';
import { integer, key, moment, references, table } from './table.js';

/** Everybody's chat with the bot, and the questions that wait for an answer. */
export class Bot1764000000000 implements MigrationInterface {
  name = 'Bot1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'bot_chats',
        columns: [key('conversation_id'), integer('user_id')],
        uniques: [{ name: 'uq_bot_chats_user', columnNames: ['user_id'] }],
        foreignKeys: [
          references('fk_bot_chats_conversation', 'conversation_id', 'conversations'),
          references('fk_bot_chats_user', 'user_id', 'users'),
        ],
      }),
    );
    await runner.createTable(
      table({
        name: 'bot_questions',
        withoutRowid: true,
        columns: [key('conversation_id'), key('seq'), integer('user_id'), moment('created_at')],
        indices: [{ name: 'ix_bot_questions_user', columnNames: ['user_id'] }],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('bot_questions');
    await runner.dropTable('bot_chats');
  }
}
