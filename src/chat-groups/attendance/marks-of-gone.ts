import { Injectable } from '@nestjs/common';
import { Batcher } from '../../common/timing/batcher.js';
import { lockConversations, lockMembers } from '../../conversations/conversation-locks.js';
import { placeholders } from '../../database/dialect.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { WhoIsIn } from '../../people/who-is-in.js';

/** People of one statement, and groups of one transaction: thousands go at once when a network does. */
const CHUNK = 200;

/** How far somebody has read, by group. */
type Marks = ReadonlyMap<number, number>;

/**
 * How far those have read who went without a word. What could not be stored is kept, and tried again: one mark for each group that
 * somebody is in. Local to a node, which has told these people's sockets.
 */
@Injectable()
export class MarksOfGone {
  private readonly marks: Batcher<number, Marks>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly whoIsIn: WhoIsIn,
  ) {
    this.marks = new Batcher('Groups', 0, (marks) => this.store(marks), furthest);
  }

  /** Somebody who is in some groups has read there what they were told by this moment, on the clock of `now()`. */
  note(userId: number, heardAt: number): void {
    const marks = new Map<number, number>();
    for (const groupId of this.whoIsIn.groupsOf(userId)) {
      const seq = this.whoIsIn.publishedBy(groupId, heardAt);
      if (seq !== undefined) marks.set(groupId, seq);
    }
    if (marks.size > 0) this.marks.add(userId, marks);
  }

  /** Resolves when all that was noted is stored: marks are moved for those who are in, before they are taken out. @throws as UnitOfWork.run */
  stored(): Promise<void> {
    return this.marks.flush();
  }

  /** Stores what was noted, if that is possible now, and nothing more. */
  async stop(): Promise<void> {
    await this.marks.flush().catch(() => undefined);
    await this.marks.stop();
  }

  private async store(marks: ReadonlyMap<number, Marks>): Promise<void> {
    for (const groups of chunks([...byGroup(marks)])) {
      await this.unitOfWork.run(async (tx) => {
        await lockConversations(
          tx,
          groups.map(([groupId]) => groupId),
        );
        for (const [groupId, bySeq] of groups) {
          for (const [seq, userIds] of bySeq) {
            for (const some of chunks(userIds)) {
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

/** People by how far they have read, by group: one statement for all who went at once. */
function byGroup(marks: ReadonlyMap<number, Marks>): Map<number, Map<number, number[]>> {
  const groups = new Map<number, Map<number, number[]>>();
  for (const [userId, ofPerson] of marks) {
    for (const [groupId, seq] of ofPerson) {
      const bySeq = groups.get(groupId) ?? new Map<number, number[]>();
      groups.set(groupId, bySeq);
      const people = bySeq.get(seq);
      if (people) people.push(userId);
      else bySeq.set(seq, [userId]);
    }
  }
  return groups;
}

function* chunks<T>(all: readonly T[]): Iterable<T[]> {
  for (let i = 0; i < all.length; i += CHUNK) yield all.slice(i, i + CHUNK);
}
