import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Groups that invitations lead into. */
export class InvitesIntoGroups1764790000000 implements MigrationInterface {
  name = 'InvitesIntoGroups1764790000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE invites ADD COLUMN group_ids varchar(255) NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE invites DROP COLUMN group_ids');
  }
}
