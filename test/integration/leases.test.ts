// What one of many nodes does for all: who may, for how long, and what becomes of it when that node ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Leases } from '../../src/cluster/leases.js';
import { LoneNode } from '../../src/cluster/node-bus.js';
import type { Database } from '../../src/database/data-source.js';
import type { Lease } from '../../src/database/held-lease.js';
import { takeLease } from '../../src/database/lease-rows.js';
import type { UnitOfWork } from '../../src/database/unit-of-work.js';
import { emptyDatabase, emptyEnvironment, onServers } from '../support/app.js';
import { deafNode, nodeEnvironment, openDatabase, unitOfWorkOf } from '../support/nodes.js';
import { ServerProcess } from '../support/server-process.js';

onServers('leases', (kind) => {
  let database: Database;
  let unitOfWork: UnitOfWork;
  let env: Record<string, string>;
  let drop: () => Promise<void>;
  const all: Leases[] = [];

  const leasesOf = (nodeId: number): Leases => {
    const leases = new Leases(unitOfWork, deafNode(nodeId), { worksOnWhatWaits: true });
    all.push(leases);
    return leases;
  };
  const row = async (): Promise<{ holder: number; isOver: boolean } | undefined> => {
    const sql = "SELECT holder, until <= UTC_TIMESTAMP(3) AS isOver FROM leases WHERE name = 'a job'";
    const [found] = await database.query<{ holder: number; isOver: number }[]>(sql);
    return found && { holder: found.holder, isOver: found.isOver === 1 };
  };
  const untilAborted = ({ signal }: Lease): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });

  beforeEach(async () => {
    const made = await emptyDatabase(kind);
    drop = made.drop;
    env = nodeEnvironment(made.url);
    database = await openDatabase(env);
    unitOfWork = unitOfWorkOf(database, env);
  });
  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    for (const leases of all.splice(0)) await leases.beforeApplicationShutdown();
    await database.destroy();
    await drop();
  });

  it('of many that take one at once, one has it', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let held = 0;
    const tries = Array.from({ length: 20 }, (_, i) =>
      leasesOf(i + 2).run('a job', async () => {
        held++;
        await released;
      }),
    );
    // Those that do not have it are told so; the one that has it works.
    let answered = 0;
    for (const one of tries) void one.then(() => answered++);
    await expect.poll(() => answered).toBe(19);
    release();
    expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
    expect(held).toBe(1);
    // It is free again at once, and the other name always was.
    expect(await leasesOf(99).run('a job', async () => {})).toBe(true);
    expect(await leasesOf(98).run('another job', async () => {})).toBe(true);
  });

  it('is free after a rest, and not before', async () => {
    expect(await leasesOf(2).run('a job', async () => {}, 3_600_000)).toBe(true);
    expect(await leasesOf(3).run('a job', async () => {})).toBe(false);
    // Neither for the one that had it.
    expect(await leasesOf(2).run('a job', async () => {})).toBe(false);
    await unitOfWork.run((tx) => tx.query("UPDATE leases SET until = UTC_TIMESTAMP(3) WHERE name = 'a job'"));
    expect(await leasesOf(3).run('a job', async () => {})).toBe(true);
  });

  it('is renewed while the work takes long, and given up where it fails', async () => {
    let isOver = false;
    let hasBegun = false;
    const working = leasesOf(2).run('a job', async (lease) => {
      hasBegun = true;
      // Longer than one lease.
      await sleep(11_000);
      expect(lease.isHeld).toBe(true);
      await unitOfWork.run((tx) => lease.assertHeld(tx));
      isOver = true;
      throw new Error('It failed.');
    });
    const failed = working.catch((error: Error) => error.message);
    await expect.poll(() => hasBegun).toBe(true);
    while (!isOver) {
      expect(await leasesOf(3).run('a job', async () => {})).toBe(isOver);
      await sleep(1_000);
    }
    expect(await failed).toBe('It failed.');
    expect(await leasesOf(3).run('a job', async () => {})).toBe(true);
  });

  it('goes to another node within 15 s of a death, and not while it lasts', async () => {
    // As a node that died right after it.
    await unitOfWork.run((tx) => takeLease(tx, 'a job', 2));
    const died = performance.now();
    let wasOver: boolean | undefined;
    let tookAfter = Infinity;
    const failed = (error: unknown) => expect.unreachable(String(error));
    const real = database.query.bind(database) as (...given: unknown[]) => Promise<unknown>;
    vi.spyOn(database, 'query').mockImplementation(async (sql: string, ...rest: unknown[]) => {
      if (sql.startsWith('UPDATE leases')) wasOver ??= (await row())!.isOver || undefined;
      return real(sql, ...rest);
    });
    leasesOf(3).repeat('a job', { everyMs: 60_000, failed }, async () => {
      tookAfter = performance.now() - died;
    });
    await expect.poll(() => tookAfter).toBeLessThan(60_000);
    expect(wasOver).toBe(true);
    expect((await row())!.holder).not.toBe(2);
  });

  it('is run by a node that is woken, right after another one has run it, and once more where it runs', async () => {
    const runs: number[] = [];
    const hour = { everyMs: 3_600_000, failed: (error: unknown) => expect.unreachable(String(error)) };
    let release = (): void => undefined;
    const jobOf = (nodeId: number) =>
      leasesOf(nodeId).repeat('a job', { ...hour, restMs: 0 }, () => {
        runs.push(nodeId);
        return new Promise<void>((resolve) => (release = resolve));
      });
    const done = async (count: number, nodeId: number) => {
      await expect.poll(() => runs.length).toBe(count);
      expect(runs.at(-1)).toBe(nodeId);
      release();
    };
    const two = jobOf(2);
    await done(1, 2);
    const three = jobOf(3);
    await done(2, 3);
    two.wake();
    await expect.poll(() => runs.length).toBe(3);
    two.wake();
    await done(3, 2);
    await done(4, 2);
    three.wake();
    await done(5, 3);
  });

  it('asks the clock of the database, whatever the one of the process says', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2001-01-01') });
    await unitOfWork.run((tx) => takeLease(tx, 'a job', 2));
    vi.setSystemTime(new Date('2101-01-01'));
    expect(await leasesOf(3).run('a job', async () => {})).toBe(false);
    expect(await row()).toEqual({ holder: 2, isOver: false });
    expect(await leasesOf(2).run('a job', (lease) => unitOfWork.run((tx) => lease.assertHeld(tx)))).toBe(true);
  });

  it('that another node has taken is noticed by the row at once, and by the holder soon', async () => {
    await leasesOf(2).run('a job', async (lease) => {
      // As if this one had been suspended on a machine whose clock stood still.
      await unitOfWork.run((tx) => tx.query("UPDATE leases SET holder = 3 WHERE name = 'a job'"));
      expect(lease.isHeld).toBe(true);
      await expect(unitOfWork.run((tx) => lease.assertHeld(tx))).rejects.toThrow('The lease "a job" was lost.');
      await untilAborted(lease);
      expect(lease.isHeld).toBe(false);
    });
    // It was not given up for the other one.
    expect((await row())!.holder).toBe(3);
  });

  it('is lost in time where the database is away', async () => {
    await leasesOf(2).run('a job', async (lease) => {
      vi.spyOn(unitOfWork, 'run').mockRejectedValue(new Error('away'));
      await untilAborted(lease);
      expect(lease.isHeld).toBe(false);
    });
    vi.restoreAllMocks();
    expect((await row())!.holder).toBe(2);
    await expect.poll(() => leasesOf(3).run('a job', async () => {})).toBe(true);
  });

  it('is known to be lost by a process that was suspended, before it acts', async () => {
    const holder = await ServerProcess.spawn({ ...env, NODE_ID: '2' }, '../test/support/lease-holder.mjs');
    await expect.poll(() => holder.output).toContain('act');
    holder.signal('SIGSTOP');
    await expect.poll(() => leasesOf(3).run('a job', async () => {}, 60_000)).toBe(true);
    const before = holder.output;
    holder.signal('SIGCONT');
    expect(await holder.exit()).toBe(0);
    expect(holder.output.slice(before.length).trim().split('\n').slice(-1)).toEqual(['lost']);
    // What was written before the stop may have arrived only now; after it, nothing was done.
    expect(holder.output.slice(before.length).split('act').length).toBeLessThanOrEqual(2);
  });
});

describe('a node that is alone', () => {
  it('has every lease at once, and asks no database', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const database = await openDatabase(env);
    const statements = vi.spyOn(database, 'query');
    const leases = new Leases(unitOfWorkOf(database, env), new LoneNode(), { worksOnWhatWaits: true });
    let runs = 0;
    const held = (lease: Lease) => {
      expect(lease.isHeld).toBe(true);
      runs++;
      return Promise.resolve();
    };
    await Promise.all([leases.run('a job', held, 3_600_000), leases.run('a job', held), leases.run('a job', held)]);
    leases.repeat('a job', { everyMs: 20, failed: () => undefined }, async (lease) => {
      await held(lease);
      throw new Error('tried again');
    });
    await expect.poll(() => runs).toBeGreaterThan(5);
    await leases.beforeApplicationShutdown();
    const last = runs;
    await sleep(100);
    expect(runs).toBe(last);
    expect(statements).not.toHaveBeenCalled();
    await database.destroy();
    await cleanUp();
  });
});
