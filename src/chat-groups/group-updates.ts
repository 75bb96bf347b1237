import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { In } from 'typeorm';
import { Homes } from '../cluster/homes.js';
import { Batcher } from '../common/timing/batcher.js';
import { addTo } from '../common/sets-by-key.js';
import { Blocks } from '../people/blocks.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { chunks } from '../database/chunks.js';
import { isOnePage } from '../database/is-one-page.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { GroupRow } from '../sockets/events.js';
import { Publisher } from '../sockets/publisher.js';
import { ChatGroup } from './chat-group.entity.js';
import { GroupRemoval } from './membership/group-removal.entity.js';

/** Shortest time between two packets about one group. */
const GATHER_MS = 1_000;
const NOBODY: ReadonlySet<number> = new Set();

/**
 * Publishes changes of rows in the list of groups. While the list is one page, every client may show it, and all connected users get the
 * row; once it is longer, only members of the group.
 */
@Injectable()
export class GroupUpdates implements OnModuleInit, BeforeApplicationShutdown {
  private readonly changes: Batcher<number, true>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly blocks: Blocks,
    private readonly publisher: Publisher,
    private readonly homes: Homes,
    private readonly events: DomainEvents,
  ) {
    this.changes = new Batcher('Publishing changed groups', GATHER_MS, (changed) => this.publish([...changed.keys()]));
  }

  async beforeApplicationShutdown(): Promise<void> {
    // Other nodes have given it here, for their own sockets.
    if (this.homes.areShared) await this.changes.flush().catch(() => undefined);
    await this.changes.stop();
  }

  onModuleInit(): void {
    const give = this.homes.at<true>('group-row', (_, groupId) => this.changes.add(Number(groupId), true));
    const changed = ({ groupId }: { groupId: number }) => give(groupId, true);
    for (const name of ['groupChanged', 'groupDeleted', 'memberJoined', 'memberLeft'] as const)
      this.events.on(name, changed);
    this.events.on('membershipsErased', ({ groups }) => groups.forEach(changed));
  }

  private async publish(groupIds: number[]): Promise<void> {
    const toAll = await isOnePage(this.unitOfWork.read, 'chat_groups ORDER BY conversation_id');
    for (const some of chunks(groupIds)) {
      const groups = await this.unitOfWork.read.findBy(ChatGroup, { conversationId: In(some) });
      const byId = new Map(groups.map((group) => [group.conversationId, group]));
      const removed = toAll ? await this.removedFrom(some) : new Map<number, Set<number>>();
      const apart = toAll ? await this.blocks.blockersOf(groups.map(({ ownerId }) => ownerId)) : undefined;
      for (const groupId of some) {
        const group = byId.get(groupId);
        this.publishOne(groupId, group, toAll, removed.get(groupId), group && apart?.get(group.ownerId));
      }
    }
  }

  /** @param apart who has blocked the owner: they do not get the names of the owner's groups, unless they are members */
  private publishOne(
    groupId: number,
    group: ChatGroup | undefined,
    toAll: boolean,
    removed: ReadonlySet<number> = NOBODY,
    apart: ReadonlySet<number> = NOBODY,
  ): void {
    if (group) {
      const row = toRow(group);
      const closed = { ...toRow({ ...group, isFrozen: false }), member_count: null };
      const outside = {
        row: group.isPrivate ? closed : row,
        closed,
        removed: [...removed].filter((id) => !apart.has(id)),
        apart,
      };
      this.publisher.groupRow(row, toAll ? outside : undefined);
    } else if (toAll) {
      // It had no member who would have to be notified, or they were (`GroupPlacement`).
      this.publisher.groupDeleted({ chat_group_id: groupId, deleted: true });
    }
  }

  /** Users who were removed: to them, an open group looks like a private one. */
  private async removedFrom(groupIds: number[]): Promise<Map<number, Set<number>>> {
    const removals = await this.unitOfWork.read.findBy(GroupRemoval, { conversationId: In(groupIds) });
    const removed = new Map<number, Set<number>>();
    for (const { conversationId: groupId, userId } of removals) addTo(removed, groupId, userId);
    return removed;
  }
}

const toRow = (group: ChatGroup): GroupRow => ({
  chat_group_id: group.conversationId,
  name: group.name,
  owner_id: group.ownerId,
  is_private: group.isPrivate,
  member_count: group.memberCount,
  ...(group.isFrozen && { is_frozen: true }),
});
