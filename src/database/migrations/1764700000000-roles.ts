import type { MigrationInterface, QueryRunner } from 'typeorm';
import { integer, key, moment, nullable, table, text, varchar } from './table.js';

const INDEXES = [
  ['ix_users_role', 'role'],
  ['ix_users_suspended', 'suspended_at'],
] as const;

/** Who looks after the server, who is shut out of it, and what was done by whom. */
export class Roles1764700000000 implements MigrationInterface {
  name = 'Roles1764700000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE users ADD COLUMN role varchar(16) NULL');
    await runner.query('ALTER TABLE users ADD COLUMN suspended_at datetime(3) NULL');
    await runner.query('ALTER TABLE sessions ADD COLUMN elevated_until datetime(3) NULL');
    for (const [name, column] of INDEXES) await runner.query(`CREATE INDEX ${name} ON users (${column}, id)`);
    await runner.createTable(
      table({
        name: 'audit_log',
        columns: [
          key('id'),
          moment('at'),
          nullable(integer('actor_id')),
          varchar('action', 32),
          varchar('target', 64),
          text('detail'),
          varchar('hash', 64),
        ],
      }),
    );
    await runner.createTable(
      table({ name: 'audit_heads', columns: [key('id'), integer('last_id'), varchar('hash', 64)] }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const on = runner.connection.options.type === 'better-sqlite3' ? '' : 'ON users';
    for (const name of ['audit_heads', 'audit_log']) await runner.dropTable(name);
    for (const [name] of INDEXES) await runner.query(`DROP INDEX ${name} ${on}`);
    await runner.query('ALTER TABLE sessions DROP COLUMN elevated_until');
    for (const column of ['suspended_at', 'role']) await runner.query(`ALTER TABLE users DROP COLUMN ${column}`);
  }
}
