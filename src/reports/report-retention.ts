import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type FindOptionsWhere, In, LessThan } from 'typeorm';
import { Leases } from '../cluster/leases.js';
import { logLine } from '../common/logs/log-line.js';
import { Clock } from '../common/timing/clock.js';
import { SLICE } from '../database/delete-in-slices.js';
import { WalScrubber } from '../database/sqlite/wal-scrubber.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { Lease } from '../database/held-lease.js';
import { Report, ReportMessage } from './report.entity.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long a report is kept once it was settled: for those who ask why. */
export const KEEP_SETTLED_MS = 90 * DAY_MS;
/** How long one is kept that nobody has settled. */
export const KEEP_OPEN_MS = 365 * DAY_MS;

/** Deletes reports, with their copies of messages, when their time is over. What was done about them stays in the audit log, without texts. */
@Injectable()
export class ReportRetention implements OnApplicationBootstrap {
  private readonly logger = new Logger(ReportRetention.name);

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly leases: Leases,
    private readonly walScrubber: WalScrubber,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const failed = (error: unknown) =>
      this.logger.error(`Deleting old reports failed, and is tried again in an hour: ${logLine(error)}`);
    this.leases.repeat('reports', { everyMs: HOUR_MS, failed }, (lease) => this.sweep(lease));
  }

  async sweep(lease?: Lease): Promise<void> {
    const before = (keptMs: number) => LessThan(new Date(this.clock.now().getTime() - keptMs));
    await this.delete({ settledAt: before(KEEP_SETTLED_MS) }, lease);
    await this.delete({ createdAt: before(KEEP_OPEN_MS) }, lease);
  }

  private async delete(where: FindOptionsWhere<Report>, lease: Lease | undefined): Promise<void> {
    for (;;) {
      if (lease?.isHeld === false) return;
      const rows = await this.unitOfWork.read.find(Report, { select: { id: true }, where, take: SLICE / 5 });
      if (rows.length === 0) return;
      const ids = rows.map(({ id }) => id);
      await this.unitOfWork.run(async (tx) => {
        await tx.delete(ReportMessage, { reportId: In(ids) });
        await tx.delete(Report, { id: In(ids) });
      });
      this.walScrubber.schedule();
    }
  }
}
