import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { inTuples } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Block } from './block.entity.js';
import { type Pair, pairKey, pairOf } from './pair.js';

/** The same sentence to both: the one who is blocked need not learn from it who did it. */
export const blocked = (sentence = 'Messages between the two of you are blocked.') =>
  new DomainError('forbidden', 'blocked', sentence);

/**
 * Who wants to hear nothing from whom. Direct messages stop both ways; who is blocked sees no presence, and draws nobody into a group;
 * what is said in groups goes on.
 */
@Injectable()
export class Blocks {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** Those whose presence the viewer does not see: they have blocked the viewer. */
  async hiddenFrom(viewerId: number): Promise<ReadonlySet<number>> {
    const rows = await this.unitOfWork.read.find(Block, {
      select: { blockerId: true },
      where: { blockedId: viewerId },
    });
    return new Set(rows.map(({ blockerId }) => blockerId));
  }

  /** Whom each of these people has blocked; those who have blocked nobody are not in it. */
  async blockedBy(userIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    const found = new Map<number, Set<number>>();
    if (userIds.length === 0) return found;
    const rows = await this.unitOfWork.read.findBy(Block, { blockerId: In(userIds) });
    for (const { blockerId, blockedId } of rows) {
      const ids = found.get(blockerId);
      if (ids) ids.add(blockedId);
      else found.set(blockerId, new Set([blockedId]));
    }
    return found;
  }

  /** Who has blocked each of these people; whom nobody has blocked is not in it. */
  async blockersOf(userIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    const found = new Map<number, Set<number>>();
    if (userIds.length === 0) return found;
    const rows = await this.unitOfWork.read.findBy(Block, { blockedId: In(userIds) });
    for (const { blockerId, blockedId } of rows) {
      const ids = found.get(blockedId);
      if (ids) ids.add(blockerId);
      else found.set(blockedId, new Set([blockerId]));
    }
    return found;
  }

  /** One way. The answer holds until the commit where the row of one of the two is locked. */
  hasBlocked(tx: EntityManager, blockerId: number, blockedId: number): Promise<boolean> {
    return tx.existsBy(Block, { blockerId, blockedId });
  }

  /**
   * Which of these pairs have a block between them, either way. The answer holds until the commit where the pair's conversation is
   * locked, or, where there is none yet, the rows of both people.
   */
  async among(tx: EntityManager, pairs: readonly Pair[]): Promise<(pair: Pair) => boolean> {
    const distinct = new Map(pairs.map((pair) => [pairKey(pair), pair]));
    const { sql, values } = inTuples(
      tx,
      'blocker_id, blocked_id',
      [...distinct.values()].flatMap(({ low, high }) => [
        [low, high],
        [high, low],
      ]),
    );
    const rows = await tx.query<{ blocker_id: number; blocked_id: number }[]>(
      `SELECT blocker_id, blocked_id FROM blocks WHERE ${sql}`,
      values,
    );
    const found = new Set(rows.map((row) => pairKey(pairOf(row.blocker_id, row.blocked_id))));
    return (pair) => found.has(pairKey(pair));
  }
}
