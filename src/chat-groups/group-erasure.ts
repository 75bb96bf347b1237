import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AfterErasure, type ErasedPerson, Erasure } from '../identity/erasure.js';
import { Busy } from '../common/errors.js';
import { ConversationRemoval } from '../conversations/conversation-removal.js';
import { AccessRequest } from './membership/access-request.entity.js';
import { GroupAttendance } from './attendance/group-attendance.js';
import { GroupDeparture } from './membership/group-departure.entity.js';
import { GroupMembership } from './membership/group-membership.js';
import { GroupRemoval } from './membership/group-removal.entity.js';
import { PersonTurns } from './attendance/person-turns.js';

interface MembershipRow {
  id: number;
  owner_id: number;
  member_count: number;
  is_in: number;
}

/** Groups that are told of in one turn of the event loop. */
const AT_ONCE = 100;

/** Whoever erases their account gives up all of their memberships, and is forgotten where they asked for one, left one or were removed. */
@Injectable()
export class GroupErasure implements OnModuleInit {
  constructor(
    private readonly erasure: Erasure,
    private readonly attendance: GroupAttendance,
    private readonly membership: GroupMembership,
    private readonly turns: PersonTurns,
    private readonly removal: ConversationRemoval,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase((tx, person) => this.leaveAll(tx, person));
  }

  private async leaveAll(tx: EntityManager, { id: userId }: ErasedPerson): Promise<AfterErasure> {
    const groups = await tx.query<MembershipRow[]>(
      `SELECT g.conversation_id AS id, g.owner_id, g.member_count, m.is_in
       FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE m.user_id = ? ORDER BY g.conversation_id`,
      [userId],
    );
    const left = groups.map(({ id, owner_id, member_count }) => ({ id, ownerId: owner_id, memberCount: member_count }));
    const { deleted, heirs } = await this.membership.leaveForGood(tx, left, userId);
    for (const table of [AccessRequest, GroupDeparture, GroupRemoval]) await tx.delete(table, { userId });
    return async () => {
      try {
        const tell = () => this.tell(userId, groups);
        // Rather out of turn than not at all: it is done.
        await this.turns.take([userId], tell).catch((error: unknown) => {
          if (!(error instanceof Busy)) throw error;
          return tell();
        });
        await this.attendance.inherited(heirs);
      } finally {
        await this.removal.finish(deleted);
      }
    };
  }

  private async tell(userId: number, groups: readonly MembershipRow[]): Promise<void> {
    for (const [i, { id, is_in }] of groups.entries()) {
      this.attendance.membershipEnded(userId, id, Boolean(is_in));
      if (i % AT_ONCE === AT_ONCE - 1) await nextTurn();
    }
  }
}
