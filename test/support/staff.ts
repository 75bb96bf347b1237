import { expect } from 'vitest';
import type { Role } from '../../src/identity/roles.js';
import type { TestApp } from './app.js';
import { type Answer, call, Person } from './client.js';

/** Of accounts that `Person.known` makes. */
export const KNOWN_PASSWORD = 'nobody knows';

/** Gives somebody a role, as a row: tests of how one gets it do without. */
export const setRole = (app: TestApp, person: Person, role: Role) =>
  app.database.query('UPDATE users SET role = ? WHERE id = ?', [role === 'person' ? null : role, person.id]);

export const elevate = (app: TestApp, { token }: { token: string }, password = KNOWN_PASSWORD): Promise<Answer> =>
  call(app, 'POST', '/http/admin/elevate', { token, body: { password } });

/** Somebody with a role, whose session is elevated. */
export async function staff(app: TestApp, role: Exclude<Role, 'person'>, firstName = 'Grace'): Promise<Person> {
  const person = await Person.known(app, firstName);
  await setRole(app, person, role);
  expect((await elevate(app, person)).status).toBe(200);
  return person;
}

/** A request of somebody's below /http/admin. */
export const admin = (app: TestApp, { token }: { token: string }, method: string, path: string, body?: unknown) =>
  call(app, method, `/http/admin/${path}`, { token, ...(body !== undefined && { body }) });

/** An admin suspends somebody, or lets them in again. */
export const suspend = (app: TestApp, by: Person, { id }: Person, isSuspended = true) =>
  admin(app, by, 'PATCH', `users/${id}`, { is_suspended: isSuspended });

export interface AuditRow {
  id: number;
  actor_id: number | null;
  action: string;
  target: string;
  detail: Record<string, unknown>;
}

/** The rows of the audit log behind one of them, the oldest first. */
export async function auditAfter(app: TestApp, id = 0): Promise<AuditRow[]> {
  const rows = await app.database.query('SELECT * FROM audit_log WHERE id > ? ORDER BY id', [id]);
  return rows.map((row: AuditRow & { detail: string }) => ({ ...row, detail: JSON.parse(row.detail) }));
}
