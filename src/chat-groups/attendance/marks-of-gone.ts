import { Injectable } from '@nestjs/common';
import { Batcher } from '../../common/timing/batcher.js';
import { addTo } from '../../common/sets-by-key.js';
import { lockConversations, lockMembers } from '../../conversations/conversation-locks.js';
import { chunks } from '../../database/chunks.js';
import { placeholders } from '../../database/dialect.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { WhoIsIn } from '../../people/who-is-in.js';

/** Users of one statement, and groups of one transaction: thousands go offline at once when a network breaks. */
const AT_ONCE = 200;

/** How far a user has read, by group. */
type Marks = ReadonlyMap<number, number>;

/**
 * Stores how far users had read their groups when their last socket closed. What could not be stored is kept, and tried again: one mark for
 * each user and group. Local to a node: it has published to these users' sockets.
 */
@Injectable()
export class MarksOfGone {
  private readonly marks: Batcher<number, Marks>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly whoIsIn: WhoIsIn,
  ) {
    this.marks = new Batcher(
      'Storing how far users had read when they went',
      0,
      (marks) => this.store(marks),
      furthest,
    );
  }

  /** In the groups that the user is in, they have read what was published by this moment, on the clock of `now()`. */
  note(userId: number, heardAt: number): void {
    const marks = new Map<number, number>();
    for (const groupId of this.whoIsIn.groupsOf(userId)) {
      const seq = this.whoIsIn.publishedBy(groupId, heardAt);
      if (seq !== undefined) marks.set(groupId, seq);
    }
    if (marks.size > 0) this.marks.add(userId, marks);
  }

  /** Resolves when all that was noted is stored. Members are taken out only after it: it moves marks of those who are in. @throws as UnitOfWork.run */
  stored(): Promise<void> {
    return this.marks.flush();
  }

  /** Stores what was noted, if that is possible now, and nothing more. */
  async stop(): Promise<void> {
    await this.marks.flush().catch(() => undefined);
    await this.marks.stop();
  }

  private async store(marks: ReadonlyMap<number, Marks>): Promise<void> {
    for (const groups of chunks([...byGroup(marks)], AT_ONCE)) {
      await this.unitOfWork.run(async (tx) => {
        await lockConversations(
          tx,
          groups.map(([groupId]) => groupId),
        );
        for (const [groupId, bySeq] of groups) {
          for (const [seq, userIds] of bySeq) {
            for (const some of chunks([...userIds], AT_ONCE)) {
              const where = `conversation_id = ? AND user_id IN (${placeholders(some)}) AND is_in = 1 AND last_read_seq < ?`;
              const values = [groupId, ...some, seq];
              await lockMembers(tx, where, values);
              await tx.query(`UPDATE members SET last_read_seq = ? WHERE ${where}`, [seq, ...values]);
            }
          }
        }
      });
    }
  }
}

function furthest(before: Marks, marks: Marks): Marks {
  const all = new Map(before);
  for (const [groupId, seq] of marks) all.set(groupId, Math.max(seq, all.get(groupId) ?? 0));
  return all;
}

/** By group, and by how far they have read, the users: so one statement moves all who are equally far. */
function byGroup(marks: ReadonlyMap<number, Marks>): Map<number, Map<number, Set<number>>> {
  const groups = new Map<number, Map<number, Set<number>>>();
  for (const [userId, ofPerson] of marks) {
    for (const [groupId, seq] of ofPerson) {
      const bySeq = groups.get(groupId) ?? new Map<number, Set<number>>();
      groups.set(groupId, bySeq);
      addTo(bySeq, seq, userId);
    }
  }
  return groups;
}
