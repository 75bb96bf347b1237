import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AfterErasure, type ErasedPerson, Erasure } from '../auth/erasure.js';
import { GroupAttendance } from './group-attendance.js';
import { leaveForGood } from './leave-for-good.js';

/** Whoever erases their account gives up all of their memberships. */
@Injectable()
export class GroupErasure implements OnModuleInit {
  constructor(
    private readonly erasure: Erasure,
    private readonly attendance: GroupAttendance,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase((tx, person) => this.leaveAll(tx, person));
  }

  private async leaveAll(tx: EntityManager, { id: userId }: ErasedPerson): Promise<AfterErasure> {
    const groups = await tx.query<{ id: number; is_in: number }[]>(
      `SELECT g.conversation_id AS id, m.is_in FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE m.user_id = ? ORDER BY g.conversation_id`,
      [userId],
    );
    for (const { id } of groups) await leaveForGood(tx, id, userId);
    return () => {
      for (const { id, is_in } of groups) this.attendance.membershipEnded(userId, id, Boolean(is_in));
    };
  }
}
