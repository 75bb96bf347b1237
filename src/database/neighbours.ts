import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { MAX_ID } from '../common/fields.js';
import { isDeadlock } from '../common/lost-connection.js';
import { Backoff } from '../common/timing/backoff.js';
import { StartError } from '../common/start-error.js';
import { HeldLease, LeaseLost } from './held-lease.js';
import { LEASE_MS, restLease, takeLease } from './lease-rows.js';
import { onlyRow } from './only-row.js';
import { storeFloors, type KnownMigration, unlessNoTable } from './schema-floors.js';
import { lockName } from './single-process-lock.js';

/*
 * Who else uses a database on a server. One process without REDIS_URL holds a named lock; any number with it hold leases. Each kind shows
 * itself first, and then looks for the other: of two that start at once, at least one refuses.
 */

/** A process that was killed leaves its leases for `LEASE_MS`. */
const NODES_END_WITHIN_MS = LEASE_MS + 2_000;
/** A process that was killed leaves its lock until the server notices. */
const LOCK_ENDS_WITHIN_MS = 4_000;
/** How long the other steps of a start may take. From then on the node's own lease shows that it is there. */
const START_WITHIN_MS = 20_000;
/** How long a start waits while another node brings the tables up to date. */
const MIGRATED_WITHIN_MS = 1_800_000;
/** How long statements that lose against those of other nodes are tried again. */
const CONFLICTS_FOR_MS = 5_000;
const FIRST_LOOK_MS = 200;
const LONGEST_LOOK_MS = 1_000;

/** For the start of a process without REDIS_URL, once it has its lock. @throws StartError where nodes with it are there */
export async function assertNoNodes(source: DataSource): Promise<void> {
  const isAlone = await comesTrue(NODES_END_WITHIN_MS, async () => {
    const held = source.query<object[]>('SELECT 1 FROM leases WHERE holder <> 0 AND until > UTC_TIMESTAMP(3) LIMIT 1');
    return (await unlessNoTable(held)).length === 0;
  });
  if (!isAlone)
    throw new StartError(
      'Parley processes with REDIS_URL use the database in DATABASE_URL. Set REDIS_URL here, too, or stop them first.',
    );
}

/** What processes without REDIS_URL see of one that starts: a lease of its own. The table must be there. */
export class ShownStart {
  private readonly holder = randomInt(1, MAX_ID);
  private readonly name = `start ${this.holder}`;

  constructor(private readonly source: DataSource) {}

  /** Call it again after a step that may take long. */
  async show(): Promise<void> {
    await untilFirst(() => takeLease(this.source.manager, this.name, this.holder, START_WITHIN_MS));
  }

  /** Never throws. */
  async end(): Promise<void> {
    await restLease(this.source.manager, this.name, this.holder).catch(() => undefined);
  }
}

/** For the start of a process with REDIS_URL, after `ShownStart.show`. @throws StartError where one without it is there */
export async function assertNoLoneProcess(source: DataSource): Promise<void> {
  const [{ database }] = (await source.query('SELECT DATABASE() AS `database`')) as [{ database: string }];
  const isFree = await comesTrue(LOCK_ENDS_WITHIN_MS, async () => {
    const sql = 'SELECT IS_USED_LOCK(?) AS holder';
    const rows = await source.query<{ holder: number | string | null }[]>(sql, [lockName(database)]);
    return onlyRow(rows).holder === null;
  });
  if (!isFree)
    throw new StartError(
      'A Parley process without REDIS_URL uses the database in DATABASE_URL. Stop it first, or give it REDIS_URL, too.',
    );
}

/**
 * Runs the migrations that have not run, on one of the nodes that start; the others wait for it.
 * @param pending those that have not run
 * @throws StartError where another node takes longer than half an hour
 */
export async function migrateUnderLease(source: DataSource, pending: () => Promise<KnownMigration[]>): Promise<void> {
  const [holder, name] = [randomInt(1, MAX_ID), 'migrations'];
  const take = () => untilFirst(() => takeLease(source.manager, name, holder));
  let isSaid = false;
  const isDone = await comesTrue(MIGRATED_WITHIN_MS, async () => {
    if ((await pending()).length === 0) return true;
    const takenAt = performance.now();
    if (await take()) {
      const lease = new HeldLease(name, holder, takenAt);
      const kept = lease.keep(take);
      try {
        // Those of the node that had the lease before have run by now.
        await storeFloors(source.manager, await pending());
        beginOnlyWhile(lease, source.migrations);
        await source.runMigrations({ transaction: 'each' });
      } finally {
        lease.end();
        await kept;
        await restLease(source.manager, name, holder).catch(() => undefined);
      }
      return true;
    }
    if (!isSaid) new Logger('Database').log('Another node brings the tables up to date. Waiting for it.');
    isSaid = true;
    return false;
  });
  if (!isDone)
    throw new StartError('Another node has been bringing the tables up to date for half an hour. See its log.');
}

/** A node that lost the lease, since it was suspended, begins no further migration. */
function beginOnlyWhile(lease: HeldLease, migrations: readonly KnownMigration[]): void {
  for (const migration of migrations) {
    const up = migration.up.bind(migration);
    migration.up = (runner) => {
      if (!lease.isHeld) throw new LeaseLost(lease.name);
      return up(runner);
    };
  }
}

/** Statements outside of a unit of work. In a cluster, another server may have been faster with a row. */
async function untilFirst<T>(work: () => Promise<T>): Promise<T> {
  const until = performance.now() + CONFLICTS_FOR_MS;
  const backoff = new Backoff(FIRST_LOOK_MS, LONGEST_LOOK_MS);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isDeadlock(error) || performance.now() > until) throw error;
    }
    await sleep(backoff.next());
  }
}

/** Whether it becomes true within so many milliseconds. Asked at least once. */
async function comesTrue(withinMs: number, isTrue: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + withinMs;
  const backoff = new Backoff(FIRST_LOOK_MS, LONGEST_LOOK_MS);
  for (;;) {
    if (await isTrue()) return true;
    if (performance.now() > until) return false;
    await sleep(backoff.next());
  }
}
