import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import pLimit from 'p-limit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { WalCheckpoints } from '../../src/database/sqlite/wal-checkpoints.js';

const MB = 1024 * 1024;
/** What the log is folded at: 8,000 pages. */
const LONG = 31 * MB;

describe('the fold of SQLite’s log in a thread of its own', () => {
  let folder: string;
  let file: string;
  let writer: Database;
  let checkpoints: WalCheckpoints;
  let troubles: string[];
  const writers = pLimit(1);
  const size = (): number => statSync(`${file}-wal`).size;

  const begin = (database = file): WalCheckpoints =>
    new WalCheckpoints(database, {
      size: async () => size(),
      whileNobodyWrites: (work) => writers(work),
      onFailure: (error) => troubles.push(`failure ${error.message}`),
      onTrouble: (error) => troubles.push(error.message),
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-wal-'));
    file = join(folder, 'parley.sqlite');
    troubles = [];
    writer = new (sqliteDriver())(file);
    writer.pragma('journal_mode = WAL');
    writer.pragma('synchronous = NORMAL');
    writer.pragma('wal_autocheckpoint = 0');
    writer.exec('CREATE TABLE said (id INTEGER PRIMARY KEY, body BLOB)');
    checkpoints = begin();
  });

  afterEach(async () => {
    await checkpoints.close();
    writer.close();
    rmSync(folder, { recursive: true });
  });

  /** One transaction of so many pages, when it is its turn. */
  const write = (pages: number): Promise<void> =>
    writers(async () => {
      writer.exec('BEGIN');
      const insert = writer.prepare('INSERT INTO said (body) VALUES (?)');
      for (let page = 0; page < pages; page++) insert.run(Buffer.alloc(3_900, 'x'));
      writer.exec('COMMIT');
      checkpoints.committed();
    });
  const stored = (): unknown => writer.prepare('SELECT COUNT(*) FROM said').pluck().get();

  it('begins the log anew while others go on writing, and loses nothing', async () => {
    let written = 0;
    // Ten times as much as the log is folded at.
    while (written < 10 * 8_000) {
      await write(100);
      written += 100;
      await sleep(2);
    }
    expect(size()).toBeLessThan(5 * LONG);
    expect(stored()).toBe(written);
    expect(writer.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(troubles).toEqual([]);
  });

  it('leaves a short log alone', async () => {
    await write(1_000);
    const before = size();
    await sleep(500);
    expect(writer.pragma('wal_checkpoint(NOOP)')).toMatchObject([{ checkpointed: 0 }]);
    expect(size()).toBe(before);
  });

  it('empties the log, unless somebody reads it', async () => {
    await write(100);
    const reader = new (sqliteDriver())(file, { readonly: true });
    const reading = reader.prepare('SELECT id FROM said').iterate();
    reading.next();
    await write(100);
    expect(await checkpoints.truncate()).toBe(false);
    expect(size()).toBeGreaterThan(0);
    reading.return!();
    expect(await checkpoints.truncate()).toBe(true);
    expect(size()).toBe(0);
    reader.close();
    expect(stored()).toBe(200);
  });

  it('waits for what it is doing when it is closed, so that the writer folds the rest', async () => {
    await write(9_000);
    await sleep(250);
    await checkpoints.close();
    writer.close();
    expect(() => size()).toThrow('ENOENT');
    writer = new (sqliteDriver())(file);
    expect(stored()).toBe(9_000);
  });

  it('says what kept it from folding, and tries again', async () => {
    const elsewhere = begin(join(folder, 'none', 'parley.sqlite'));
    await write(9_000);
    elsewhere.committed();
    await vi.waitUntil(() => troubles.length === 1);
    expect(troubles[0]).toMatch(/directory does not exist/);
    elsewhere.committed();
    await vi.waitUntil(() => troubles.length === 2);
    await expect(elsewhere.truncate()).rejects.toThrow(/directory does not exist/);
    await elsewhere.close();
  });
});
