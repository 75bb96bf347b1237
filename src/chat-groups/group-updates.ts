import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { In } from 'typeorm';
import { Batcher } from '../common/timing/batcher.js';
import { LIST_LIMIT } from '../common/pages.js';
import { Blocks } from '../people/blocks.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { GroupRow } from '../sockets/events.js';
import { Publisher } from '../sockets/publisher.js';
import { ChatGroup } from './chat-group.entity.js';
import { GroupRemoval } from './membership/group-removal.entity.js';

/** Shortest time between two packets about one group. */
const GATHER_MS = 1_000;
/** Groups of one question to the database. */
const CHUNK = 500;
const NOBODY: ReadonlySet<number> = new Set();

/**
 * Tells what became of a group's row in the list of groups. While the list is one page, everybody who is there may show it, and hears
 * of it; once it is longer, its members do.
 */
@Injectable()
export class GroupUpdates implements OnModuleInit, BeforeApplicationShutdown {
  private readonly changes: Batcher<number, true>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly blocks: Blocks,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
  ) {
    this.changes = new Batcher('GroupUpdates', GATHER_MS, (changed) => this.tell([...changed.keys()]));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.changes.stop();
  }

  onModuleInit(): void {
    const changed = ({ groupId }: { groupId: number }) => this.changes.add(groupId, true);
    for (const name of ['groupChanged', 'memberJoined', 'memberLeft'] as const) this.events.on(name, changed);
    this.events.on('membershipsErased', ({ groups }) => groups.forEach(changed));
  }

  private async tell(groupIds: number[]): Promise<void> {
    const isOnePage = await this.isOnePage();
    for (let i = 0; i < groupIds.length; i += CHUNK) {
      const some = groupIds.slice(i, i + CHUNK);
      const groups = await this.unitOfWork.read.findBy(ChatGroup, { conversationId: In(some) });
      const byId = new Map(groups.map((group) => [group.conversationId, group]));
      const removed = isOnePage ? await this.removedFrom(some) : new Map<number, number[]>();
      const apart = isOnePage ? await this.blocks.blockersOf(groups.map(({ ownerId }) => ownerId)) : undefined;
      for (const groupId of some) {
        const group = byId.get(groupId);
        this.tellOne(groupId, group, isOnePage, removed.get(groupId), group && apart?.get(group.ownerId));
      }
    }
  }

  /** @param apart who has blocked the owner: what they call their groups does not come to them, unless they are members */
  private tellOne(
    groupId: number,
    group: ChatGroup | undefined,
    isOnePage: boolean,
    removed: number[] = [],
    apart: ReadonlySet<number> = NOBODY,
  ): void {
    if (group) {
      const row = toRow(group);
      const closed = { ...row, member_count: null };
      const outside = {
        row: group.isPrivate ? closed : row,
        closed,
        removed: removed.filter((id) => !apart.has(id)),
        apart,
      };
      this.publisher.groupRow(row, isOnePage ? outside : undefined);
    } else if (isOnePage) {
      // It has no members left who would have to hear of it.
      this.publisher.groupDeleted({ chat_group_id: groupId, deleted: true });
    }
  }

  /** Those who were removed: to them, an open group is as a private one. */
  private async removedFrom(groupIds: number[]): Promise<Map<number, number[]>> {
    const removals = await this.unitOfWork.read.findBy(GroupRemoval, { conversationId: In(groupIds) });
    const removed = new Map<number, number[]>();
    for (const { conversationId: groupId, userId } of removals) {
      const userIds = removed.get(groupId);
      if (userIds) userIds.push(userId);
      else removed.set(groupId, [userId]);
    }
    return removed;
  }

  private async isOnePage(): Promise<boolean> {
    const [next] = await this.unitOfWork.read.find(ChatGroup, {
      select: { conversationId: true },
      order: { conversationId: 'ASC' },
      skip: LIST_LIMIT,
      take: 1,
    });
    return next === undefined;
  }
}

const toRow = (group: ChatGroup): GroupRow => ({
  chat_group_id: group.conversationId,
  name: group.name,
  owner_id: group.ownerId,
  is_private: group.isPrivate,
  member_count: group.memberCount,
});
