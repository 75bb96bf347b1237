import { Logger } from '@nestjs/common';
import type { Entry } from './draft.js';

/** The most that clocks may differ by that are kept in step. */
const TOLERATED_MS = 60_000;
/** Shortest time between two warnings. */
const SAY_EVERY_MS = 10 * 60_000;

/**
 * Warns in the log of messages whose time is in the future. That happens where the clock was ahead and was set back, since each message is
 * later than the one before. By node: each has a clock of its own.
 */
export class StampsAhead {
  private readonly logger = new Logger('Clock');
  private saidAt = -Infinity;

  /** Checks the messages of a batch that began at `now`. */
  look(entries: readonly Entry[], now: Date): void {
    const limit = now.getTime() + TOLERATED_MS;
    let newest = limit;
    for (const { stored } of entries)
      if (stored && !stored.isRepeat && stored.timestamp.getTime() > newest) newest = stored.timestamp.getTime();
    if (newest === limit || performance.now() - this.saidAt < SAY_EVERY_MS) return;
    this.saidAt = performance.now();
    const seconds = Math.round((newest - now.getTime()) / 1_000);
    this.logger.warn(
      `A message was stamped ${seconds} s ahead of this server's clock: the clock was set back. Later messages of that chat keep their order, and follow the clock again when it has caught up. Keep the clock in step (NTP).`,
    );
  }
}
