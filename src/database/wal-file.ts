import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DiskFailed } from './database-errors.js';

/**
 * SQLite's write-ahead log, flushed to disk off the main thread. SQLite's own flush (`synchronous = FULL`) would stop every socket of
 * the process for as long as the disk takes; here a commit is written at once, and whoever waits for it goes on when it is flushed.
 */
export class WalFile {
  private flushing: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private failed = false;

  private constructor(private readonly file: FileHandle) {}

  /** @param database the file whose log exists already: something has been committed */
  static async open(database: string): Promise<WalFile> {
    const wal = new WalFile(await open(`${database}-wal`, 'r+'));
    // Its name in the folder must survive, too.
    const folder = await open(dirname(database), 'r');
    await folder.sync().finally(() => folder.close());
    return wal;
  }

  /**
   * Resolves once everything that was committed before the call is on disk; many who call meanwhile share one flush.
   * @throws DiskFailed, now and ever after: what a failed flush has lost, no later one brings back
   */
  flush(): Promise<void> {
    // The flush that runs may have begun before this commit: the one after it serves all who came since.
    this.next ??= (this.flushing ?? Promise.resolve()).then(() => {
      this.next = undefined;
      return (this.flushing = this.flushNow());
    });
    return this.next;
  }

  async close(): Promise<void> {
    await this.next?.catch(() => undefined);
    await this.file.close();
  }

  private async flushNow(): Promise<void> {
    if (!this.failed) await this.file.datasync().catch(() => (this.failed = true));
    if (this.failed) throw new DiskFailed();
  }
}
