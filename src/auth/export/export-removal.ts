import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { IsNull, LessThan, LessThanOrEqual } from 'typeorm';
import { Clock } from '../../common/timing/clock.js';
import { deleteInSlices } from '../../database/delete-in-slices.js';
import type { Lease } from '../../database/held-lease.js';
import { WalScrubber } from '../../database/sqlite/wal-scrubber.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Erasure } from '../../identity/erasure.js';
import { Export } from './export.entity.js';

/** Parts that one transaction deletes: a megabyte. */
const PARTS_OF_SLICE = 16;
/** Exports that are looked at together. */
const AT_ONCE = 100;
/** How long a row stays: longer than the day in which there is no other one. */
const KEEP_MS = 7 * 24 * 3_600_000;

/** Deletes exports that nobody gets any more. */
@Injectable()
export class ExportRemoval implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly walScrubber: WalScrubber,
    private readonly erasure: Erasure,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id: userId }) => {
      await tx.update(Export, { userId }, { userId: null, state: 'ended', tokenHash: null });
    });
  }

  /** Run by one node at a time. @param lease where it is lost, the rest is left to whoever has it now */
  async sweep(lease: Lease): Promise<void> {
    const now = this.clock.now();
    const { read } = this.unitOfWork;
    const expired = { state: 'ready' as const, expiresAt: LessThanOrEqual(now) };
    if (await read.existsBy(Export, expired))
      await this.unitOfWork.run((tx) => tx.update(Export, expired, { state: 'ended' }));
    for (;;) {
      const ended = await read.find(Export, { select: { id: true }, where: { state: 'ended' }, take: AT_ONCE });
      for (const { id } of ended) {
        await this.removeParts(id, lease);
        if (!lease.isHeld) return;
        await this.unitOfWork.run((tx) => tx.update(Export, { id, state: 'ended' }, { state: 'removed' }));
      }
      if (ended.length < AT_ONCE) break;
    }
    await deleteInSlices(this.unitOfWork, Export, { state: 'removed', userId: IsNull() });
    await deleteInSlices(this.unitOfWork, Export, {
      state: 'removed',
      createdAt: LessThan(new Date(now.getTime() - KEEP_MS)),
    });
  }

  /** The bytes of one export; also those that a try before has left. */
  async removeParts(id: number, lease: Lease): Promise<void> {
    for (let hasRemoved = false; lease.isHeld; hasRemoved = true) {
      const rows = await this.unitOfWork.read.query<{ part: number }[]>(
        `SELECT part FROM export_parts WHERE export_id = ? ORDER BY part LIMIT ${PARTS_OF_SLICE}`,
        [id],
      );
      if (rows.length === 0) {
        if (hasRemoved) this.walScrubber.schedule();
        return;
      }
      await this.unitOfWork.run((tx) =>
        tx.query('DELETE FROM export_parts WHERE export_id = ? AND part <= ?', [id, rows.at(-1)!.part]),
      );
      await nextTurn();
    }
  }
}
