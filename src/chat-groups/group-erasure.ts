import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AfterErasure, type ErasedPerson, Erasure } from '../auth/erasure.js';
import { AccessRequest } from './access-request.entity.js';
import { GroupAttendance } from './group-attendance.js';
import { GroupMembership } from './group-membership.js';
import { GroupRemoval } from './group-removal.entity.js';

/** Whoever erases their account gives up all of their memberships, and is forgotten where they asked for one or were removed. */
@Injectable()
export class GroupErasure implements OnModuleInit {
  constructor(
    private readonly erasure: Erasure,
    private readonly attendance: GroupAttendance,
    private readonly membership: GroupMembership,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase((tx, person) => this.leaveAll(tx, person));
  }

  private async leaveAll(tx: EntityManager, { id: userId }: ErasedPerson): Promise<AfterErasure> {
    const groups = await tx.query<{ id: number; owner_id: number; is_in: number }[]>(
      `SELECT g.conversation_id AS id, g.owner_id, m.is_in FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE m.user_id = ? ORDER BY g.conversation_id`,
      [userId],
    );
    const heirs = new Map<number, number | undefined>();
    for (const { id, owner_id: ownerId } of groups)
      heirs.set(id, (await this.membership.leaveForGood(tx, { id, ownerId }, userId)).heirId);
    for (const table of [AccessRequest, GroupRemoval]) await tx.delete(table, { userId });
    return () => {
      for (const { id, is_in } of groups) {
        this.attendance.membershipEnded(userId, id, Boolean(is_in));
        const heirId = heirs.get(id);
        if (heirId !== undefined) this.attendance.ownerChanged([heirId], id, heirId);
      }
    };
  }
}
