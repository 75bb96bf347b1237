import { Injectable } from '@nestjs/common';

/** Who is in which group, of those who are here: in memory, so that asking costs nothing. The groups see that it stays true. */
@Injectable()
export class WhoIsIn {
  private readonly groups = new Map<number, Set<number>>();
  private readonly users = new Map<number, Set<number>>();

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

  has(userId: number, groupId: number): boolean {
    return this.groups.get(userId)?.has(groupId) ?? false;
  }

  groupsOf(userId: number): Iterable<number> {
    return this.groups.get(userId) ?? [];
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
