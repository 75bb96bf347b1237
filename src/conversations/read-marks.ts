import { Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { Sessions } from '../identity/sessions.js';
import { NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { lockMember } from './conversation-locks.js';
import { Member } from './member.entity.js';

/** How far a user has read a chat. */
export interface ReadMark {
  lastSeq: number;
  lastReadSeq: number;
}

/** The same, after `advance`. */
export interface MemberMark extends ReadMark {
  /** Whether the user is in it right now, where it is a group. */
  isIn: boolean;
}

/** The count of unread messages is computed wherever it is shown, and stored nowhere, so that it cannot drift. */
export const unreadCount = ({ lastSeq, lastReadSeq }: ReadMark): number => Math.max(0, lastSeq - lastReadSeq);

/** Members who are in a group and connected read messages as they come: their stored mark is only moved when they leave or disconnect. */
export const liveMark = ({ lastSeq, lastReadSeq }: ReadMark, isWatching: boolean): ReadMark => ({
  lastSeq,
  lastReadSeq: isWatching ? lastSeq : lastReadSeq,
});

@Injectable()
export class ReadMarks {
  constructor(
    private readonly sessions: Sessions,
    private readonly unitOfWork: UnitOfWork,
    private readonly events: DomainEvents,
  ) {}

  /**
   * Moves a member's mark forward: to `seq`, or to the newest message. Never back, never beyond the newest.
   * @throws NotFound where the user is not a member any more
   */
  async advance(conversationId: number, me: Identity, seq = Infinity): Promise<MemberMark> {
    const { userId } = me;
    const before = await this.find(conversationId, userId);
    const target = Math.min(seq, before.lastSeq);
    if (target <= before.lastReadSeq) return before;
    const after = { ...before, lastReadSeq: target };
    const moving = async (tx: EntityManager): Promise<boolean> => {
      // In the order of the message log: first the session, then the member's row. Neither the chat nor the user is locked here.
      await this.sessions.assertLive(tx, me);
      await lockMember(tx, conversationId, userId);
      // The condition keeps a slower device from moving the mark back.
      const where = { conversationId, userId, lastReadSeq: LessThan(target) };
      const { affected } = await tx.update(Member, where, { lastReadSeq: target });
      if (affected) this.events.record(tx, 'readMarkMoved', { conversationId, userId, ...after });
      return Boolean(affected);
    };
    const hasMoved = await this.unitOfWork.run(moving, {
      isDone: async (tx) => ((await lockMember(tx, conversationId, userId))?.last_read_seq ?? 0) >= target,
    });
    // Otherwise another device was faster, or the membership has ended.
    return hasMoved ? after : this.find(conversationId, userId);
  }

  private async find(conversationId: number, userId: number): Promise<MemberMark> {
    const [row] = await this.unitOfWork.read.query<{ last_seq: number; last_read_seq: number; is_in: number }[]>(
      `SELECT c.last_seq, m.last_read_seq, m.is_in FROM members m JOIN conversations c ON c.id = m.conversation_id
       WHERE m.conversation_id = ? AND m.user_id = ?`,
      [conversationId, userId],
    );
    if (!row) throw new NotFound('chat');
    return { lastSeq: row.last_seq, lastReadSeq: row.last_read_seq, isIn: Boolean(row.is_in) };
  }
}
