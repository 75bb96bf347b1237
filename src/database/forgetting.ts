import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { UnitOfWork } from './unit-of-work.js';

/** How long what was deleted may stay in SQLite's log; a busy log is not emptied for each text. */
const FORGET_WITHIN_MS = 5_000;
/** Five minutes: no backup of a file takes so long. */
const TRIES_BEFORE_WARNING = 60;

/** What is deleted is gone from the tables with the commit. Here it goes from SQLite's log, too, where it would be found for a while. */
@Injectable()
export class Forgetting implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private planned: NodeJS.Timeout | undefined;
  private failures = 0;

  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** A crash may have come first. */
  async onApplicationBootstrap(): Promise<void> {
    await this.now();
  }

  onApplicationShutdown(): void {
    // Whoever closes the database empties its log.
    clearTimeout(this.planned);
  }

  /** Within some seconds. */
  soon(): void {
    this.planned ??= setTimeout(() => {
      this.planned = undefined;
      void this.now();
    }, FORGET_WITHIN_MS).unref();
  }

  /** Before this resolves; or, where somebody reads the log, a backup say, soon after they are done. */
  async now(): Promise<void> {
    const isDone = await this.unitOfWork.forgetDeleted().catch(() => false);
    this.failures = isDone ? 0 : this.failures + 1;
    if (this.failures === TRIES_BEFORE_WARNING)
      this.logger.warn('What was deleted is still in the log of the database, which somebody reads all the time.');
    if (!isDone) this.soon();
  }
}
