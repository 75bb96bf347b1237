import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { addTo, removeFrom } from '../common/sets-by-key.js';
import { now } from '../sockets/transport/traffic.js';

/** Groups whose newest message is remembered. */
const REMEMBERED_GROUPS = 100_000;

/** A client that was not heard for longer than this has no socket any more: Engine.IO pings every 25 seconds and waits for 20. */
const SILENT_FOR_MS = 75_000;

/** The last message of a second, and when it was published. */
interface Published {
  seq: number;
  at: number;
}

/**
 * Which users with a socket on this node are in which groups, and the newest message published to each group. In memory, so that asking
 * costs nothing; `GroupPlacement` keeps it in step with `members.is_in`.
 */
@Injectable()
export class WhoIsIn {
  /** By group, what was published to its sockets lately, the newest last. Local: each node publishes to its own sockets. */
  private readonly newest = new LRUCache<number, Published[]>({ max: REMEMBERED_GROUPS });
  private readonly groups = new Map<number, Set<number>>();
  private readonly users = new Map<number, Set<number>>();
  /** By group, how many were in it before the restart, until it is known who has come back. */
  private countsBeforeRestart: ReadonlyMap<number, number> = new Map();

  add(userId: number, groupId: number): void {
    addTo(this.groups, userId, groupId);
    addTo(this.users, groupId, userId);
  }

  remove(userId: number, groupId: number): void {
    removeFrom(this.groups, userId, groupId);
    removeFrom(this.users, groupId, userId);
  }

  /** A user is in no group any more. */
  forget(userId: number): void {
    for (const groupId of this.groupsOf(userId)) this.remove(userId, groupId);
  }

  /** This message, and all before it, were published to everybody who is in the group. */
  published(groupId: number, seq: number): void {
    const at = now();
    const recent = this.newest.get(groupId);
    const last = recent?.at(-1);
    if (!recent || !last) this.newest.set(groupId, [{ seq, at }]);
    else if (seq <= last.seq) return;
    // One entry for each second is enough: messages count as published at the time of the last one of their second.
    else if (Math.floor(last.at / 1_000) === Math.floor(at / 1_000)) [last.seq, last.at] = [seq, at];
    else {
      recent.push({ seq, at });
      while (recent[1]!.at < at - SILENT_FOR_MS) recent.shift();
    }
  }

  /** The newest message published to the group; undefined where many other groups were busier since, and it was evicted. */
  lastPublishedSeq(groupId: number): number | undefined {
    return this.newest.peek(groupId)?.at(-1)?.seq;
  }

  /** The newest message published by a moment on the clock of `now()`, or one that is up to a second older; undefined where unknown. */
  publishedBy(groupId: number, moment: number): number | undefined {
    return this.newest.peek(groupId)?.findLast(({ at }) => at <= moment)?.seq;
  }

  has(userId: number, groupId: number): boolean {
    return this.groups.get(userId)?.has(groupId) ?? false;
  }

  groupsOf(userId: number): Iterable<number> {
    return this.groups.get(userId) ?? [];
  }

  /** How many are in it, or were before a restart and may come back. */
  countIn(groupId: number): number {
    return Math.max(this.usersIn(groupId).size, this.countsBeforeRestart.get(groupId) ?? 0);
  }

  /** After a start: how many were in each group. It counts as that large until all have had time to come back. */
  seedCounts(counts: ReadonlyMap<number, number>): void {
    this.countsBeforeRestart = counts;
  }

  usersIn(groupId: number): ReadonlySet<number> {
    return this.users.get(groupId) ?? NOBODY;
  }
}

const NOBODY: ReadonlySet<number> = new Set();
