import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Backoff } from '../../common/timing/backoff.js';
import { UnitOfWork } from '../unit-of-work.js';

/** How long deleted text may stay in the log; a busy log is not truncated for each. */
const SCRUB_WITHIN_MS = 5_000;
/** Where somebody reads the log, it is tried again after longer and longer pauses. */
const LONGEST_PAUSE_MS = 30_000;
/** No backup of a file takes so long. */
const WARN_AFTER_MS = 5 * 60_000;

/**
 * What is deleted is gone from the tables with the commit, and stays in SQLite's write-ahead log until that is checkpointed and truncated:
 * this does so within seconds. On MySQL there is nothing to do.
 */
@Injectable()
export class WalScrubber implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private planned: NodeJS.Timeout | undefined;
  private readonly backoff = new Backoff(SCRUB_WITHIN_MS, LONGEST_PAUSE_MS);
  private failingSince: number | undefined;

  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** A crash may have come first. */
  async onApplicationBootstrap(): Promise<void> {
    await this.truncate();
  }

  onApplicationShutdown(): void {
    // Whoever closes the database empties its log.
    clearTimeout(this.planned);
  }

  /** Truncates the log within some seconds. */
  schedule(): void {
    this.in(SCRUB_WITHIN_MS);
  }

  private in(ms: number): void {
    this.planned ??= setTimeout(() => {
      this.planned = undefined;
      void this.truncate();
    }, ms).unref();
  }

  /** Before this resolves; or, where a reader (a backup, say) still needs the log, soon after it is done. */
  async truncate(): Promise<void> {
    const isDone = await this.unitOfWork.forgetDeleted().catch(() => false);
    if (isDone) {
      this.backoff.reset();
      this.failingSince = undefined;
      return;
    }
    this.in(this.backoff.next());
    this.failingSince ??= performance.now();
    if (performance.now() < this.failingSince + WARN_AFTER_MS) return;
    this.failingSince = Infinity;
    this.logger.warn('What was deleted is still in the log of the database, which somebody reads all the time.');
  }
}
