import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

/** Groups whose newest message is remembered. */
const REMEMBERED_GROUPS = 100_000;

/**
 * Who is in which group, of those who are here, and how far they were told: in memory, so that asking costs nothing. The groups see
 * that it stays true.
 */
@Injectable()
export class WhoIsIn {
  /** The newest message that each group's sockets were told. */
  private readonly newest = new LRUCache<number, number>({ max: REMEMBERED_GROUPS });
  private readonly groups = new Map<number, Set<number>>();
  private readonly users = new Map<number, Set<number>>();
  /** How many were in each of these groups before the server was restarted, until it is known who has come back. */
  private before: ReadonlyMap<number, number> = new Map();

  add(userId: number, groupId: number): void {
    put(this.groups, userId, groupId);
    put(this.users, groupId, userId);
  }

  remove(userId: number, groupId: number): void {
    take(this.groups, userId, groupId);
    take(this.users, groupId, userId);
  }

  /** Somebody is in nothing any more. */
  forget(userId: number): void {
    for (const groupId of this.groupsOf(userId)) this.remove(userId, groupId);
  }

  /** Everybody who is in the group knows of this message, and of those before it. */
  told(groupId: number, seq: number): void {
    if (seq >= (this.newest.get(groupId) ?? 0)) this.newest.set(groupId, seq);
  }

  /** The newest message that they know of; undefined where it was forgotten, since so many other groups were busier. */
  newestTold(groupId: number): number | undefined {
    return this.newest.peek(groupId);
  }

  has(userId: number, groupId: number): boolean {
    return this.groups.get(userId)?.has(groupId) ?? false;
  }

  groupsOf(userId: number): Iterable<number> {
    return this.groups.get(userId) ?? [];
  }

  /** How many are in it, or may be back in a moment. */
  countIn(groupId: number): number {
    return Math.max(this.usersIn(groupId).size, this.before.get(groupId) ?? 0);
  }

  /** After a start: so many were in each group, and it is as large until everybody has had their time to come back. */
  expect(counts: ReadonlyMap<number, number>): void {
    this.before = counts;
  }

  usersIn(groupId: number): ReadonlySet<number> {
    return this.users.get(groupId) ?? NOBODY;
  }
}

const NOBODY: ReadonlySet<number> = new Set();

function put(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function take(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
