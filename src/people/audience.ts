import { Injectable } from '@nestjs/common';
import { chunks } from '../database/chunks.js';
import { placeholders } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { Blocks } from './blocks.js';
import { WhoIsIn } from './who-is-in.js';

/** Where more are in a group, their presence is not published in it: packets would grow with the square of their number. */
export const SMALL_GROUP = 100;

/** Who gets a user's presence: those who have a room with them, and those who are in a group with them where at most 100 are in. */
@Injectable()
export class Audience {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly whoIsIn: WhoIsIn,
    private readonly blocks: Blocks,
  ) {}

  /** By user, those who are connected and get the user's presence; never the user. One or two queries, for any number of users. */
  async of(userIds: readonly number[]): Promise<Map<number, Set<number>>> {
    const viewers = new Map(userIds.map((userId) => [userId, new Set<number>()]));
    for (const userId of userIds) {
      for (const groupId of this.whoIsIn.groupsOf(userId)) {
        for (const viewer of this.inSmallGroup(groupId)) viewers.get(userId)!.add(viewer);
      }
    }
    for (const chunk of chunks(userIds)) {
      for (const [seen, viewer] of await this.partners(chunk)) viewers.get(seen)?.add(viewer);
    }
    for (const [userId, set] of viewers) {
      for (const viewer of set) if (viewer === userId || !this.presence.isConnected(viewer)) set.delete(viewer);
    }
    return viewers;
  }

  /** Everybody in the group, or nobody where more than 100 are in. */
  inSmallGroup(groupId: number): Iterable<number> {
    return this.whoIsIn.countIn(groupId) > SMALL_GROUP ? [] : this.whoIsIn.usersIn(groupId);
  }

  /** Everybody who has a room with one of these users. */
  private async partners(userIds: readonly number[]): Promise<[seen: number, viewer: number][]> {
    const rows = await this.unitOfWork.read.query<{ user_id: number; user_low: number; user_high: number }[]>(
      `SELECT mine.user_id, r.user_low, r.user_high FROM members mine
       JOIN chat_rooms r ON r.conversation_id = mine.conversation_id WHERE mine.user_id IN (${placeholders(userIds)})`,
      [...userIds],
    );
    return rows.map(({ user_id: id, user_low: low, user_high: high }) => [id, id === low ? high : low]);
  }

  /** By user, those whom the user has blocked: they do not see the user's presence. Users who block nobody are missing. */
  blockedBy(userIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    return this.ask(userIds, (some) => this.blocks.blockedBy(some));
  }

  /** By user, those who have blocked the user: they get no changes of the user's name. Users whom nobody blocks are missing. */
  blockersOf(userIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    return this.ask(userIds, (some) => this.blocks.blockersOf(some));
  }

  /** Those with whom the user has a block, in either direction: neither sees the other type. */
  async mutuallyBlocked(userId: number): Promise<ReadonlySet<number>> {
    const [blocked, blockers] = await Promise.all([this.blockedBy([userId]), this.blockersOf([userId])]);
    return new Set([...(blocked.get(userId) ?? []), ...(blockers.get(userId) ?? [])]);
  }

  private async ask(
    userIds: readonly number[],
    question: (some: readonly number[]) => Promise<ReadonlyMap<number, ReadonlySet<number>>>,
  ): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    const all = new Map<number, ReadonlySet<number>>();
    for (const chunk of chunks(userIds)) {
      for (const [userId, others] of await question(chunk)) all.set(userId, others);
    }
    return all;
  }
}
