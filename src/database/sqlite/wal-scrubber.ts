import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Backoff } from '../../common/timing/backoff.js';
import { UnitOfWork } from '../unit-of-work.js';

/** How long deleted data may stay in the log: a busy log is not truncated after each deletion. */
const SCRUB_WITHIN_MS = 5_000;
/** While another process reads the log, it is tried again after longer and longer pauses. */
const LONGEST_PAUSE_MS = 30_000;
/** When the log warns of it: no backup takes so long. */
const WARN_AFTER_MS = 5 * 60_000;

/**
 * Deleted data is gone from the tables with the commit, and stays in SQLite's write-ahead log until that is checkpointed and truncated. This
 * does so within seconds. On MySQL there is nothing to do.
 */
@Injectable()
export class WalScrubber implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private planned: NodeJS.Timeout | undefined;
  private readonly backoff = new Backoff(SCRUB_WITHIN_MS, LONGEST_PAUSE_MS);
  private failingSince: number | undefined;

  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** At the start: a crash may have prevented it. */
  async onApplicationBootstrap(): Promise<void> {
    await this.truncate();
  }

  onApplicationShutdown(): void {
    // Closing the database truncates its log.
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

  /** Truncates the log before it resolves; or, where a reader (a backup, say) still needs it, soon after the reader is done. */
  async truncate(): Promise<void> {
    const isDone = await this.unitOfWork.truncateWal().catch(() => false);
    if (isDone) {
      this.backoff.reset();
      this.failingSince = undefined;
      return;
    }
    this.in(this.backoff.next());
    this.failingSince ??= performance.now();
    if (performance.now() < this.failingSince + WARN_AFTER_MS) return;
    this.failingSince = Infinity;
    this.logger.warn(
      'What was deleted is still in parley.sqlite-wal, since another program keeps reading the database. Close it (a backup, or a sqlite3 shell): the file is emptied then.',
    );
  }
}
