import { Injectable } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { Sessions } from '../identity/sessions.js';
import { NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { lockMember } from './conversation-locks.js';
import { Member } from './member.entity.js';

/** How far somebody has read a chat. */
export interface ReadMark {
  lastSeq: number;
  lastReadSeq: number;
}

/** The same, after it was to be moved. */
export interface MemberMark extends ReadMark {
  /** They are in it right now, where it is a group. */
  isIn: boolean;
  /** It was further back until now. */
  hasMoved: boolean;
}

/** Unread is computed wherever it is shown and stored nowhere: it cannot drift. */
export const unreadCount = ({ lastSeq, lastReadSeq }: ReadMark): number => Math.max(0, lastSeq - lastReadSeq);

/** Who is in a group and connected reads what comes, as it comes: their stored mark is only moved when they go. */
export const liveMark = ({ lastSeq, lastReadSeq }: ReadMark, isWatching: boolean): ReadMark => ({
  lastSeq,
  lastReadSeq: isWatching ? lastSeq : lastReadSeq,
});

@Injectable()
export class ReadMarks {
  constructor(
    private readonly sessions: Sessions,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /**
   * Moves a member's mark forward: to `seq`, or to the newest message. Never back, never beyond the newest.
   * @throws NotFound where they are a member no more
   */
  async advance(conversationId: number, me: Identity, seq = Infinity): Promise<MemberMark> {
    const { userId } = me;
    const before = await this.find(conversationId, userId);
    const target = Math.min(seq, before.lastSeq);
    if (target <= before.lastReadSeq) return { ...before, hasMoved: false };
    const { affected } = await this.unitOfWork.run(async (tx) => {
      // As the message log does: first the session, then the members' rows. Neither the chat nor a person is locked here.
      await this.sessions.assertLive(tx, me);
      await lockMember(tx, conversationId, userId);
      // The condition keeps a slower device from moving the mark back.
      return tx.update(Member, { conversationId, userId, lastReadSeq: LessThan(target) }, { lastReadSeq: target });
    });
    if (affected) return { ...before, lastReadSeq: target, hasMoved: true };
    // Another device was faster, or they are a member no more.
    return { ...(await this.find(conversationId, userId)), hasMoved: false };
  }

  private async find(conversationId: number, userId: number): Promise<Omit<MemberMark, 'hasMoved'>> {
    const [row] = await this.unitOfWork.read.query<{ last_seq: number; last_read_seq: number; is_in: number }[]>(
      `SELECT c.last_seq, m.last_read_seq, m.is_in FROM members m JOIN conversations c ON c.id = m.conversation_id
       WHERE m.conversation_id = ? AND m.user_id = ?`,
      [conversationId, userId],
    );
    if (!row) throw new NotFound('chat');
    return { lastSeq: row.last_seq, lastReadSeq: row.last_read_seq, isIn: Boolean(row.is_in) };
  }
}
