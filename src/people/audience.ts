import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { NodeBus } from '../cluster/node-bus.js';
import { addTo } from '../common/sets-by-key.js';
import { chunks } from '../database/chunks.js';
import { inIds, placeholders } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { Blocks } from './blocks.js';
import { WhoIsIn } from './who-is-in.js';

/** Where more are in a group, their presence is not published in it: packets would grow with the square of their number. */
export const SMALL_GROUP = 100;

/**
 * Who gets a user's presence: those who have a room with them, and those who are in a group with them where at most 100 are in. With many
 * nodes, who is in a group is asked of the database, since `WhoIsIn` knows those of one node alone.
 */
@Injectable()
export class Audience {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly whoIsIn: WhoIsIn,
    private readonly blocks: Blocks,
    private readonly bus: NodeBus,
  ) {}

  /**
   * By user, those who get the user's presence and are connected to this node; never the user. Two queries for any number of users, and
   * two more with many nodes.
   */
  of(userIds: readonly number[]): Promise<Map<number, Set<number>>> {
    return this.find(userIds, (viewer) => this.presence.isConnected(viewer), false);
  }

  /** The same with those who are connected to other nodes. */
  ofAllNodes(userIds: readonly number[]): Promise<Map<number, Set<number>>> {
    return this.find(userIds, (viewer) => this.presence.isConnectedAnywhere(viewer), this.bus.isShared);
  }

  /** Which of these groups are small. With many nodes, it is asked of the database, and users count who have gone a moment ago. */
  async smallOf(
    groupIds: readonly number[],
    manager: EntityManager = this.unitOfWork.read,
  ): Promise<ReadonlySet<number>> {
    const maybe = groupIds.filter((groupId) => this.whoIsIn.countIn(groupId) <= SMALL_GROUP);
    if (!this.bus.isShared) return new Set(maybe);
    const small = new Set<number>();
    for (const some of chunks(maybe)) {
      const { sql, values } = inIds('g.conversation_id', some);
      // One more row than a small group has decides it.
      const rows = await manager.query<{ id: number }[]>(
        `SELECT g.conversation_id AS id FROM chat_groups g
         WHERE ${sql} AND (g.member_count <= ${SMALL_GROUP} OR (SELECT m.user_id FROM members m
           WHERE m.conversation_id = g.conversation_id AND m.is_in = 1 LIMIT 1 OFFSET ${SMALL_GROUP}) IS NULL)`,
        values,
      );
      for (const { id } of rows) small.add(id);
    }
    return small;
  }

  /** Everybody of this node who is in the group, or nobody where more than 100 of this node are. */
  inSmallGroup(groupId: number): Iterable<number> {
    return this.whoIsIn.countIn(groupId) > SMALL_GROUP ? [] : this.whoIsIn.usersIn(groupId);
  }

  private async find(
    userIds: readonly number[],
    isConnected: (viewer: number) => boolean,
    onAllNodes: boolean,
  ): Promise<Map<number, Set<number>>> {
    const viewers = new Map(userIds.map((userId) => [userId, new Set<number>()]));
    if (this.bus.isShared) await this.addByGroups(viewers, onAllNodes);
    else
      for (const userId of userIds)
        for (const groupId of this.whoIsIn.groupsOf(userId))
          for (const viewer of this.inSmallGroup(groupId)) viewers.get(userId)!.add(viewer);
    for (const chunk of chunks(userIds)) {
      for (const [seen, viewer] of await this.partners(chunk)) viewers.get(seen)?.add(viewer);
    }
    for (const [userId, set] of viewers) {
      for (const viewer of set) if (viewer === userId || !isConnected(viewer)) set.delete(viewer);
    }
    return viewers;
  }

  /** With many nodes: adds those who are in a small group with these users. */
  private async addByGroups(viewers: ReadonlyMap<number, Set<number>>, onAllNodes: boolean): Promise<void> {
    for (const some of chunks([...viewers.keys()])) {
      const { sql, values } = inIds('user_id', some);
      const rows = await this.unitOfWork.read.query<{ user_id: number; group_id: number }[]>(
        `SELECT user_id, conversation_id AS group_id FROM members WHERE is_in = 1 AND ${sql}`,
        values,
      );
      const groupIds = [...new Set(rows.map(({ group_id }) => group_id))];
      const small = await this.smallOf(
        onAllNodes ? groupIds : groupIds.filter((groupId) => this.whoIsIn.usersIn(groupId).size > 0),
      );
      const usersIn = onAllNodes ? await this.usersIn([...small]) : undefined;
      for (const { user_id, group_id } of rows) {
        if (!small.has(group_id)) continue;
        const viewersOf = viewers.get(user_id)!;
        for (const viewer of (usersIn ? usersIn.get(group_id) : this.whoIsIn.usersIn(group_id)) ?? [])
          viewersOf.add(viewer);
      }
    }
  }

  /** Who is in these groups, on whichever node. */
  private async usersIn(groupIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    const users = new Map<number, Set<number>>();
    for (const some of chunks(groupIds)) {
      const { sql, values } = inIds('conversation_id', some);
      const rows = await this.unitOfWork.read.query<{ user_id: number; group_id: number }[]>(
        `SELECT user_id, conversation_id AS group_id FROM members WHERE ${sql} AND is_in = 1`,
        values,
      );
      for (const { user_id, group_id } of rows) addTo(users, group_id, user_id);
    }
    return users;
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
