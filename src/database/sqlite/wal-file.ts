import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What Windows, and some file systems, say where a folder is to be flushed: there is nothing to do then. */
const CANNOT_FLUSH_FOLDERS = new Set(['EPERM', 'EISDIR', 'EINVAL', 'EACCES', 'ENOTSUP']);

async function flushFolder(name: string): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await open(name, 'r');
    await folder.sync();
  } catch (error) {
    if (!CANNOT_FLUSH_FOLDERS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await folder?.close();
  }
}

/**
 * SQLite's write-ahead log, flushed to disk off the main thread. SQLite's own flush (`synchronous = FULL`) would stop every socket of
 * the process for as long as the disk takes; here a commit is written at once, and whoever waits for it goes on when it is flushed.
 */
export class WalFile {
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;
  private isClosed = false;

  private constructor(
    private readonly file: FileHandle,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /**
   * @param database the file whose log exists already: something has been committed
   * @param onFailure the disk refused, and must end the process: what was committed may be lost, and the kernel forgets that it is,
   * so that the next flush would succeed
   */
  static async open(database: string, onFailure: (error: Error) => void): Promise<WalFile> {
    const wal = new WalFile(await open(`${database}-wal`, 'r+'), onFailure);
    // Its name in the folder must survive, too.
    await flushFolder(dirname(database));
    return wal;
  }

  /** Resolves once everything that was committed before the call is on disk, and never where the disk refused. */
  async flush(): Promise<void> {
    if (this.isClosed) return;
    // A flush that runs already may have begun before this commit; the one behind it serves all who have come since.
    this.next ??= this.running.then(() => {
      this.next = undefined;
      return (this.running = this.flushNow());
    });
    await this.next;
  }

  /** Once the database is closed: it has folded its log into its file, and flushed that. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.next;
    await this.running;
    await this.file.close();
  }

  private async flushNow(): Promise<void> {
    try {
      await this.file.datasync();
    } catch (error) {
      this.onFailure(error as Error);
      await new Promise<never>(() => {});
    }
  }
}
