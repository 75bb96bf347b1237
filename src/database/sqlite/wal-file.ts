import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Errors of Windows, and of some file systems, where a folder is to be flushed: there is nothing to do then. */
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
 * Flushes SQLite's write-ahead log to disk off the main thread. SQLite's own flush (`synchronous = FULL`) would block every socket of the
 * process for as long as the disk takes; here a commit is written at once, and its caller continues when it is flushed.
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
   * @param onFailure called where the disk refused a flush; it must end the process. Commits may be lost, and the next flush would succeed all
   *   the same, since the kernel reports the error once
   */
  static async open(database: string, onFailure: (error: Error) => void): Promise<WalFile> {
    const wal = new WalFile(await open(`${database}-wal`, 'r+'), onFailure);
    // The folder, too, so that the file's name survives.
    await flushFolder(dirname(database));
    return wal;
  }

  /** Resolves once all that was committed before the call is on disk, and never where the disk refused. */
  async flush(): Promise<void> {
    if (this.isClosed) return;
    // A flush that is running may have begun before this commit; the next one serves all who have called since.
    this.next ??= this.running.then(() => {
      this.next = undefined;
      return (this.running = this.flushNow());
    });
    await this.next;
  }

  /** In bytes. It does not shrink where the log begins anew. */
  async size(): Promise<number> {
    return (await this.file.stat()).size;
  }

  /** Call it once the database is closed: SQLite has folded the log into the file then, and flushed it. */
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
