import type { MigrationInterface, QueryRunner } from 'typeorm';
import { id, integer, key, moment, nullable, references, table, text, varchar } from './table.js';

/** Accounts, mails, direct rooms and their messages. */
export class Messages1763800000000 implements MigrationInterface {
  name = 'Messages1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      table({
        name: 'users',
        columns: [
          id(),
          varchar('email', 254),
          varchar('password_hash', 128),
          varchar('first_name', 80),
          varchar('last_name', 80),
          varchar('first_name_key', 240),
          varchar('last_name_key', 240),
          moment('created_at'),
          nullable(moment('last_seen')),
          nullable(moment('erased_at')),
        ],
        uniques: [{ name: 'uq_users_email', columnNames: ['email'] }],
        indices: [
          { name: 'ix_users_first_name', columnNames: ['first_name_key', 'id'] },
          { name: 'ix_users_last_name', columnNames: ['last_name_key', 'id'] },
        ],
      }),
    );
    await runner.createTable(
      table({
        name: 'registrations',
        columns: [
          id(),
          varchar('token_hash', 64),
          varchar('email', 254),
          varchar('password_hash', 128),
          varchar('first_name', 80),
          varchar('last_name', 80),
          moment('expires_at'),
          nullable(integer('user_id')),
        ],
        uniques: [{ name: 'uq_registrations_token', columnNames: ['token_hash'] }],
        indices: [{ name: 'ix_registrations_expires', columnNames: ['expires_at'] }],
      }),
    );
    await runner.createTable(
      table({
        name: 'sessions',
        columns: [
          id(),
          integer('user_id'),
          varchar('device', 200),
          moment('created_at'),
          moment('expires_at'),
          nullable(moment('revoked_at')),
        ],
        foreignKeys: [references('fk_sessions_user', 'user_id', 'users')],
        indices: [
          { name: 'ix_sessions_user', columnNames: ['user_id'] },
          { name: 'ix_sessions_expires', columnNames: ['expires_at'] },
        ],
      }),
    );
    await runner.createTable(
      table({
        name: 'mail_outbox',
        columns: [
          id(),
          text('sealed'),
          moment('created_at'),
          integer('attempts'),
          nullable(moment('next_attempt_at')),
          varchar('last_error', 300),
        ],
        indices: [{ name: 'ix_mail_outbox_next_attempt', columnNames: ['next_attempt_at'] }],
      }),
    );
    await runner.createTable(
      table({
        name: 'conversations',
        columns: [
          id(),
          varchar('kind', 8),
          integer('last_seq'),
          nullable(moment('last_message_at')),
          moment('created_at'),
        ],
      }),
    );
    await runner.createTable(
      table({
        name: 'chat_rooms',
        columns: [key('conversation_id'), integer('user_low'), integer('user_high')],
        uniques: [{ name: 'uq_chat_rooms_pair', columnNames: ['user_low', 'user_high'] }],
        foreignKeys: [
          references('fk_chat_rooms_conversation', 'conversation_id', 'conversations'),
          references('fk_chat_rooms_user_low', 'user_low', 'users'),
          references('fk_chat_rooms_user_high', 'user_high', 'users'),
        ],
      }),
    );
    await runner.createTable(
      table({
        name: 'members',
        withoutRowid: true,
        columns: [key('conversation_id'), key('user_id'), integer('last_read_seq'), moment('joined_at')],
        indices: [{ name: 'ix_members_user', columnNames: ['user_id'] }],
      }),
    );
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
          { name: 'uq_messages_created', columnNames: ['conversation_id', 'created_at'] },
          { name: 'uq_messages_client_id', columnNames: ['conversation_id', 'sender_id', 'client_id'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of [
      'messages',
      'members',
      'chat_rooms',
      'conversations',
      'mail_outbox',
      'sessions',
      'registrations',
      'users',
    ]) {
      await runner.dropTable(name);
    }
  }
}
