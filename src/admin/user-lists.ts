import { type EntityManager, type FindOptionsWhere, In, IsNull, MoreThan } from 'typeorm';
import { normalizeEmail } from '../auth/dto/email.field.js';
import { Invalid } from '../common/errors.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { fromMoment, toMoment } from '../database/dialect.js';
import { LAST, searchNames } from '../identity/name-search.js';
import { nameKey, User } from '../identity/user.entity.js';
import type { AdminUsersQuery } from './dto/admin-users.dto.js';

/** Users as admins list them: each list is a range of one index. @throws Invalid */
export async function listUsers(read: EntityManager, given: AdminUsersQuery): Promise<Page<User>> {
  assertOneFilter(given);
  const { query, state, role, cursor } = given;
  const text = query?.trim() ?? '';
  if (text.includes('@')) return byEmail(read, String(normalizeEmail(text)), cursor);
  if (text !== '') {
    const page = await searchNames(read, nameKey(text), cursor);
    return { ...page, rows: await usersOf(read, page.rows) };
  }
  if (state === 'suspended') return suspended(read, cursor);
  const where = { ...(state === 'active' && { suspendedAt: IsNull() }), ...(role != null && { role }) };
  return byId(read, where, cursor);
}

async function byId(read: EntityManager, where: FindOptionsWhere<User>, cursor?: string): Promise<Page<User>> {
  const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
  const rows = await read.find(User, {
    where: { ...where, erasedAt: IsNull(), id: MoreThan(after) },
    order: { id: 'ASC' },
    take: LIST_LIMIT + 1,
  });
  return toPage(rows, ({ id }) => [id]);
}

/** In the order in which they were suspended. */
async function suspended(read: EntityManager, cursor?: string): Promise<Page<User>> {
  const [moment, after] = readCursor(cursor, ['moment', 'number']) ?? ['', 0];
  const rows = await read.query<{ id: number; suspended_at: string | Date }[]>(
    `SELECT id, suspended_at FROM users WHERE suspended_at IS NOT NULL AND erased_at IS NULL
     ${moment === '' ? '' : 'AND (suspended_at > ? OR (suspended_at = ? AND id > ?))'}
     ORDER BY suspended_at, id LIMIT ${LIST_LIMIT + 1}`,
    moment === '' ? [] : [moment, moment, after],
  );
  const page = toPage(rows, ({ suspended_at, id }) => [toMoment(fromMoment(suspended_at)), id]);
  const ids = page.rows.map(({ id }) => id);
  return { ...page, rows: await usersOf(read, ids) };
}

async function byEmail(read: EntityManager, prefix: string, cursor?: string): Promise<Page<User>> {
  const [after] = readCursor(cursor, ['text']) ?? [''];
  const rows = await read.query<{ id: number; email: string }[]>(
    `SELECT id, email FROM users WHERE email >= ? AND email < ? AND email > ? AND erased_at IS NULL
     ORDER BY email LIMIT ${LIST_LIMIT + 1}`,
    [prefix, prefix + LAST, String(after)],
  );
  const page = toPage(rows, ({ email }) => [email]);
  const ids = page.rows.map(({ id }) => id);
  return { ...page, rows: await usersOf(read, ids) };
}

/** In this order. */
async function usersOf(read: EntityManager, ids: readonly number[]): Promise<User[]> {
  if (ids.length === 0) return [];
  const users = await read.findBy(User, { id: In(ids) });
  const found = new Map(users.map((user) => [user.id, user]));
  return ids.flatMap((id) => found.get(id) ?? []);
}

function assertOneFilter({ query, state, role }: AdminUsersQuery): void {
  const given = Object.entries({ query, state, role }).flatMap(([name, value]) => (value == null ? [] : name));
  if (given.length <= 1) return;
  const fields = Object.fromEntries(given.map((name) => [name, ['excludes the others']]));
  throw new Invalid(`Send one of ${given.join(', ')}.`, fields);
}
