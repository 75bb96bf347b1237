// Commits on SQLite count once the disk has them: what the unit of work waits for.
import { join } from 'node:path';
import type { FileHandle } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { WalFile } from '../../src/database/sqlite/wal-file.js';
import { temporaryFolder } from '../support/app.js';

const Sqlite = sqliteDriver();

describe('the write-ahead log', () => {
  const open = async () => {
    const path = join(temporaryFolder(), 'x.sqlite');
    const database = new Sqlite(path);
    database.pragma('journal_mode = WAL');
    database.exec('CREATE TABLE t (x)');
    const onFailure = vi.fn<(error: Error) => void>();
    const wal = await WalFile.open(path, onFailure);
    const { file } = wal as unknown as { file: FileHandle };
    /** Flushes that the test lets through one by one. */
    const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const flushes = vi
      .spyOn(file, 'datasync')
      .mockImplementation(() => new Promise((resolve, reject) => waiting.push({ resolve, reject })));
    return { wal, flushes, waiting, onFailure };
  };
  const turn = () => new Promise(setImmediate);

  it('is flushed before anybody goes on, once for all who came while a flush ran', async () => {
    const { wal, flushes, waiting } = await open();
    const done: string[] = [];
    void wal.flush().then(() => done.push('first'));
    await turn();
    void wal.flush().then(() => done.push('second'));
    void wal.flush().then(() => done.push('third'));
    await turn();
    expect([flushes.mock.calls.length, done]).toEqual([1, []]);
    waiting[0].resolve();
    await turn();
    // The flush that ran may have begun before the second commit.
    expect([flushes.mock.calls.length, done]).toEqual([2, ['first']]);
    waiting[1].resolve();
    await turn();
    expect(done).toEqual(['first', 'second', 'third']);
  });

  it('lets nobody go on whose flush the disk refused, and says so', async () => {
    const { wal, waiting, onFailure } = await open();
    let isDone = false;
    void wal.flush().then(() => (isDone = true));
    await turn();
    waiting[0].reject(new Error('EIO'));
    await turn();
    expect(onFailure).toHaveBeenCalledWith(new Error('EIO'));
    expect(isDone).toBe(false);
  });
});
