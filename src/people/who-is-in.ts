import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { now } from '../sockets/transport/traffic.js';

/** Groups whose newest message is remembered. */
const REMEMBERED_GROUPS = 100_000;

/** A client that is not heard for longer than this has no socket any more: Engine.IO asks every 25 seconds and waits for 20. */
const SILENT_FOR_MS = 75_000;

/** The last message of a second, and when it was published. */
interface Published {
  seq: number;
  at: number;
}

/**
 * Which users are in which group, of those with a socket on this node, and the newest message published to each group. In memory, so that
 * asking costs nothing; `GroupAttendance` keeps it in step with `members.is_in`.
 */
@Injectable()
export class WhoIsIn {
  /** What was published to each group's sockets lately, the newest last. Local: each node publishes to its own sockets. */
  private readonly newest = new LRUCache<number, Published[]>({ max: REMEMBERED_GROUPS });
  private readonly groups = new Map<number, Set<number>>();
  private readonly users = new Map<number, Set<number>>();
  /** How many were in each of these groups before the server was restarted, until it is known who has come back. */
  private countsBeforeRestart: ReadonlyMap<number, number> = new Map();

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

  /** This message, and with it all before it, was published to everybody who is in the group. */
  published(groupId: number, seq: number): void {
    const at = now();
    const recent = this.newest.get(groupId);
    const last = recent?.at(-1);
    if (!recent || !last) this.newest.set(groupId, [{ seq, at }]);
    else if (seq <= last.seq) return;
    // One entry for each second is enough: what was published earlier in it counts as published at its end.
    else if (Math.floor(last.at / 1_000) === Math.floor(at / 1_000)) [last.seq, last.at] = [seq, at];
    else {
      recent.push({ seq, at });
      while (recent[1]!.at < at - SILENT_FOR_MS) recent.shift();
    }
  }

  /** The newest message that was published to the group; undefined where it was evicted, since many other groups were busier. */
  lastPublishedSeq(groupId: number): number | undefined {
    return this.newest.peek(groupId)?.at(-1)?.seq;
  }

  /** The newest that had been published by a moment, on the clock of `now()`, or one up to a second older; undefined where unknown. */
  publishedBy(groupId: number, moment: number): number | undefined {
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
    return Math.max(this.usersIn(groupId).size, this.countsBeforeRestart.get(groupId) ?? 0);
  }

  /** After a start: so many were in each group, and it is as large until everybody has had their time to come back. */
  seedCounts(counts: ReadonlyMap<number, number>): void {
    this.countsBeforeRestart = counts;
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
