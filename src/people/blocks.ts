import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { addTo } from '../common/sets-by-key.js';
import { chunks } from '../database/chunks.js';
import { inTuples } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Block } from './block.entity.js';
import { type Pair, pairKey, pairOf } from './pair.js';

/** Both users get the same sentence: it does not say which of them has blocked the other. */
export const blocked = (sentence = 'Messages between the two of you are blocked.') =>
  new DomainError('forbidden', 'blocked', sentence);

/**
 * Who has blocked whom. Between the two there are no direct messages, in either direction. The blocked user does not see the blocker's
 * presence, and cannot add them to a group. In groups that both are in, their messages reach each other as before.
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

  /** By user, those whom the user has blocked. Users who block nobody are missing. */
  async blockedBy(userIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    const found = new Map<number, Set<number>>();
    if (userIds.length === 0) return found;
    const rows = await this.unitOfWork.read.findBy(Block, { blockerId: In(userIds) });
    for (const { blockerId, blockedId } of rows) addTo(found, blockerId, blockedId);
    return found;
  }

  /** By user, those who have blocked the user. Users whom nobody blocks are missing. */
  async blockersOf(userIds: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
    const found = new Map<number, Set<number>>();
    if (userIds.length === 0) return found;
    const rows = await this.unitOfWork.read.findBy(Block, { blockedId: In(userIds) });
    for (const { blockerId, blockedId } of rows) addTo(found, blockedId, blockerId);
    return found;
  }

  /** In this direction. The answer holds until the commit where the row of one of the two users is locked. */
  hasBlocked(tx: EntityManager, blockerId: number, blockedId: number): Promise<boolean> {
    return tx.existsBy(Block, { blockerId, blockedId });
  }

  /**
   * Which of these pairs have a block between them, in either direction. The answer holds until the commit where the pair's
   * conversation is locked, or, where there is none yet, the rows of both users.
   */
  among(tx: EntityManager, pairs: readonly Pair[]): Promise<(pair: Pair) => boolean> {
    return blocksAmong(tx, pairs);
  }
}

/** The same as `Blocks.among`; without a statement where there are no pairs. */
export async function blocksAmong(tx: EntityManager, pairs: readonly Pair[]): Promise<(pair: Pair) => boolean> {
  if (pairs.length === 0) return () => false;
  const distinct = new Map(pairs.map((pair) => [pairKey(pair), pair]));
  const found = new Set<string>();
  for (const some of chunks([...distinct.values()])) {
    const { sql, values } = inTuples(
      tx,
      'blocker_id, blocked_id',
      some.flatMap(({ low, high }) => [
        [low, high],
        [high, low],
      ]),
    );
    const rows = await tx.query<{ blocker_id: number; blocked_id: number }[]>(
      `SELECT blocker_id, blocked_id FROM blocks WHERE ${sql}`,
      values,
    );
    for (const row of rows) found.add(pairKey(pairOf(row.blocker_id, row.blocked_id)));
  }
  return (pair) => found.has(pairKey(pair));
}
