import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DomainEvents } from '../domain-events/domain-events.js';
import { type ErasedPerson, Erasure } from '../identity/erasure.js';
import { AccessRequest } from './membership/access-request.entity.js';
import { GroupDeparture } from './membership/group-departure.entity.js';
import { GroupMembership } from './membership/group-membership.js';
import { GroupRemoval } from './membership/group-removal.entity.js';

interface MembershipRow {
  id: number;
  owner_id: number;
  member_count: number;
  is_in: number;
}

/** An erasure ends all memberships of the user, and deletes their requests for access, departures and removals. */
@Injectable()
export class GroupErasure implements OnModuleInit {
  constructor(
    private readonly erasure: Erasure,
    private readonly membership: GroupMembership,
    private readonly events: DomainEvents,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase((tx, person) => this.leaveAll(tx, person));
  }

  private async leaveAll(tx: EntityManager, { id: userId }: ErasedPerson): Promise<readonly number[]> {
    const groups = await tx.query<MembershipRow[]>(
      `SELECT g.conversation_id AS id, g.owner_id, g.member_count, m.is_in
       FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE m.user_id = ? ORDER BY g.conversation_id`,
      [userId],
    );
    const left = groups.map(({ id, owner_id, member_count }) => ({ id, ownerId: owner_id, memberCount: member_count }));
    const ends = await this.membership.leaveForGood(tx, left, userId);
    for (const table of [AccessRequest, GroupDeparture, GroupRemoval]) await tx.delete(table, { userId });
    const wereIn = groups.map(({ id, is_in }) => ({ groupId: id, wasIn: Boolean(is_in) }));
    this.events.record(tx, 'membershipsErased', { userId, groups: wereIn });
    this.membership.recordHeirs(tx, ends);
    return ends.deleted;
  }
}
