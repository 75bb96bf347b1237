import { Logger } from '@nestjs/common';
import type { Entry } from './draft.js';

/** What clocks that are kept in step may differ by. */
const TOLERATED_MS = 60_000;
/** Between two lines in the log. */
const SAY_EVERY_MS = 10 * 60_000;

/**
 * Says in the log that messages bear times that are still to come. They do where the clock was ahead and was put right: each message is
 * later than the one before. Counted per node: each has a clock of its own.
 */
export class StampsAhead {
  private readonly logger = new Logger('Clock');
  private saidAt = -Infinity;

  /** Looks at what was stored in a batch that began at `now`. */
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
