import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { now } from '../sockets/transport/traffic.js';

/** Groups whose newest message is remembered. */
const REMEMBERED_GROUPS = 100_000;

/** A client that is not heard for longer than this has no socket any more: Engine.IO asks every 25 seconds and waits for 20. */
const SILENT_FOR_MS = 75_000;

/** The last message of a second, and when it was told. */
interface Told {
  seq: number;
  at: number;
}

/**
 * Who is in which group, of those who are here, and how far they were told: in memory, so that asking costs nothing. The groups see
 * that it stays true.
 */
@Injectable()
export class WhoIsIn {
  /** What each group's sockets were told of late, the newest last. Local: each node tells its own sockets. */
  private readonly newest = new LRUCache<number, Told[]>({ max: REMEMBERED_GROUPS });
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

  /** Everybody who is in the group is told of this message now, and was of those before it. */
  told(groupId: number, seq: number): void {
    const at = now();
    const told = this.newest.get(groupId);
    const last = told?.at(-1);
    if (!told || !last) this.newest.set(groupId, [{ seq, at }]);
    else if (seq <= last.seq) return;
    // One entry for each second is enough: what was told earlier in it counts as told at its end.
    else if (Math.floor(last.at / 1_000) === Math.floor(at / 1_000)) [last.seq, last.at] = [seq, at];
    else {
      told.push({ seq, at });
      while (told[1].at < at - SILENT_FOR_MS) told.shift();
    }
  }

  /** The newest message that they were told; undefined where it was forgotten, since so many other groups were busier. */
  newestTold(groupId: number): number | undefined {
    return this.newest.peek(groupId)?.at(-1)?.seq;
  }

  /** The newest that they had been told by a moment, on the clock of `now()`, or one up to a second older; undefined where it is unknown. */
  toldBy(groupId: number, moment: number): number | undefined {
    return this.newest.peek(groupId)?.findLast(({ at }) => at <= moment)?.seq;
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
