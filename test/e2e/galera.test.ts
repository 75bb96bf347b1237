// Three servers of a Galera cluster of which one at a time takes everything, behind HAProxy, under two nodes: whatever becomes of the writer,
// nothing is lost. And with two writers, which must not be for long, nothing is either.
import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { createConnection } from 'mysql2/promise';
import type { EntityManager } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Leases } from '../../src/cluster/leases.js';
import { StartError } from '../../src/common/start-error.js';
import { writeMark } from '../../src/database/commit-marks.js';
import type { Database } from '../../src/database/data-source.js';
import { CommitUnknown, type UnitOfWork } from '../../src/database/unit-of-work.js';
import { TestApp } from '../support/app.js';
import { call, eventually, Person, sendTo } from '../support/client.js';
import { acknowledgedMore, Crowd } from '../support/crowd.js';
import { GaleraCluster, type GaleraNode, onGalera } from '../support/galera.js';
import { DatabaseHaproxy } from '../support/haproxy.js';
import { Ledger, wholeHistory } from '../support/ledger.js';
import { deafNode, nodeEnvironment, openDatabase, unitOfWorkOf } from '../support/nodes.js';
import { Onlooker } from '../support/onlooker.js';
import { RedisServer } from '../support/redis-server.js';

/** A fail-over takes some seconds on an idle machine. */
const PATIENCE_MS = 90_000;

/** What nodes have logged as errors: says what was behind an `internal`. */
class Log extends ConsoleLogger {
  readonly errors: string[] = [];

  protected override printMessages(messages: unknown[], context?: string, level?: LogLevel): void {
    if (level === 'error') this.errors.push(...messages.map((message) => `${context}: ${String(message)}`));
  }
}

onGalera('Parley', () => {
  const log = new Log();
  let cluster: GaleraCluster;
  let haproxy: DatabaseHaproxy;
  let redis: RedisServer;
  let databases = 0;
  let name: string;
  const cleanUps: (() => unknown)[] = [];

  beforeAll(async () => {
    [cluster, redis] = await Promise.all([GaleraCluster.start(), RedisServer.start()]);
    haproxy = await DatabaseHaproxy.start(cluster.nodes.map(({ port }) => port));
  }, 240_000);
  afterAll(async () => {
    await redis?.stop();
    await haproxy?.stop();
    await cluster?.stop();
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  /** An empty database that all servers have. */
  const create = async (): Promise<void> => {
    name = `parley${++databases}`;
    await cluster.nodes[0].query(`CREATE DATABASE ${name}`);
  };
  const envOn = (port: number) => nodeEnvironment(`mysql://root@127.0.0.1:${port}/${name}`, redis.url);
  const startOn = async (port: number): Promise<TestApp> => {
    const app = await TestApp.startIn(envOn(port), undefined, log);
    cleanUps.push(() => app.app.close());
    return app;
  };

  const writer = async (): Promise<GaleraNode> => {
    const port = await eventually(() => haproxy.serving().catch(() => undefined), 'a writer', PATIENCE_MS);
    return cluster.nodes.find((node) => node.port === port)!;
  };

  it('refuses to start without REDIS_URL, and says why', async () => {
    await create();
    const { REDIS_URL: _, ...lone } = envOn(cluster.nodes[0].port);
    const refusal = await openDatabase(lone).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(StartError);
    expect((refusal as Error).message).toMatch(/belongs to a Galera cluster.* Set REDIS_URL\.$/);
  });

  describe('behind HAProxy', () => {
    it('loses nothing while its writer is killed, frozen and cut off, and returns', { timeout: 400_000 }, async () => {
      await create();
      // Both find no tables.
      const [one, two] = await Promise.all([startOn(haproxy.port), startOn(haproxy.port)]);
      const crowd = await (await Crowd.gather(one)).connect(one, two);
      cleanUps.push(() => crowd.hangUp());
      const looks = crowd.people.slice(0, 2).map(({ target, token }) => Onlooker.at(target, token, crowd.group));
      const onlookers = await Promise.all(looks);
      const ledger = new Ledger();
      crowd.startSending(ledger, 5);
      await acknowledgedMore(ledger, 100, PATIENCE_MS);

      const faults: ((node: GaleraNode) => Promise<() => Promise<unknown>>)[] = [
        async (node) => {
          await node.kill();
          return () => node.run();
        },
        async (node) => {
          await node.freeze();
          return () => Promise.resolve(node.thaw());
        },
        async (node) => {
          await node.isolate(true);
          return () => node.isolate(false);
        },
      ];
      for (const breakIt of faults) {
        const before = await writer();
        const mend = await breakIt(before);
        await eventually(async () => (await writer()) !== before || undefined, 'another writer', PATIENCE_MS);
        await acknowledgedMore(ledger, 100, PATIENCE_MS);
        const now = await writer();
        await mend();
        await cluster.isWhole();
        await acknowledgedMore(ledger, 100, PATIENCE_MS);
        // Which came back is a spare.
        expect((await writer()).port).toBe(now.port);
      }

      await ledger.settle({ DATABASE_URL: envOn(haproxy.port)['DATABASE_URL'] }, crowd.sockets, 10);
      const others = [...ledger.refused.keys()].filter((code) => !['unavailable', 'busy'].includes(code));
      expect(others, log.errors.join('\n')).toEqual([]);
      const history = await wholeHistory(crowd.people, crowd.group, true);
      for (const onlooker of onlookers) await onlooker.check(history);
      // All of it is on every server, and each table has the key by which rows are replicated.
      const counts = cluster.nodes.map((node) => node.query(`SELECT COUNT(*) AS n FROM ${name}.messages`));
      expect(new Set((await Promise.all(counts)).map(([{ n }]) => n)).size).toBe(1);
      const keyless = `SELECT t.table_name FROM information_schema.tables t WHERE t.table_schema = '${name}' AND (t.engine <> 'InnoDB'
        OR NOT EXISTS (SELECT 1 FROM information_schema.table_constraints c WHERE c.table_schema = t.table_schema
          AND c.table_name = t.table_name AND c.constraint_type = 'PRIMARY KEY'))`;
      expect(await cluster.nodes[0].query(keyless)).toEqual([]);
    });
  });

  describe('with two writers', () => {
    it('numbers without a gap, and shows on one what the other has acknowledged', { timeout: 240_000 }, async () => {
      await create();
      const [one, two] = [await startOn(cluster.nodes[0].port), await startOn(cluster.nodes[1].port)];
      const crowd = await (await Crowd.gather(one)).connect(one, two);
      cleanUps.push(() => crowd.hangUp());
      const ledger = new Ledger();
      crowd.startSending(ledger, 3);
      await acknowledgedMore(ledger, 300, PATIENCE_MS);
      await ledger.settle({ DATABASE_URL: envOn(cluster.nodes[2].port)['DATABASE_URL'] }, crowd.sockets, 10);
      const others = [...ledger.refused.keys()].filter((code) => !['unavailable', 'busy'].includes(code));
      expect(others, log.errors.join('\n')).toEqual([]);

      const [ada, bob] = crowd.people;
      for (let i = 0; i < 30; i++) {
        const { token } = await Person.known(one, `Person${i}`);
        expect((await call(two, 'GET', '/http/users/profile', { token })).status).toBe(200);
        expect((await call(one, 'POST', '/http/logout', { token })).status).toBeLessThan(300);
        expect((await call(two, 'GET', '/http/users/profile', { token })).status).toBe(401);
        const sent = await sendTo(crowd.sockets.get(bob)!, ada.id, `looked for ${i}`);
        const found = await ada.get(`/http/chat_rooms/${sent.chat_room_id}?after=${sent.seq - 1}`);
        expect(found.body).toMatchObject([{ message: `looked for ${i}` }]);
      }
    });

    describe('of rows', () => {
      const open: { database: Database; unitOfWork: UnitOfWork }[] = [];
      beforeEach(async () => {
        await create();
        open.length = 0;
        for (const { port } of cluster.nodes.slice(0, 2)) {
          const env = envOn(port);
          const database = await openDatabase(env);
          cleanUps.push(() => database.destroy());
          open.push({ database, unitOfWork: unitOfWorkOf(database, env) });
        }
      });

      it('gives a lease to one of two nodes', async () => {
        let held = 0;
        for (let round = 0; round < 20; round++) {
          const runs = open.map(({ unitOfWork }, i) =>
            new Leases(unitOfWork, deafNode(i + 2), { worksOnWhatWaits: true }).run(
              `job ${round}`,
              async (lease) => {
                held++;
                await unitOfWork.run((tx) => lease.assertHeld(tx));
              },
              60_000,
            ),
          );
          expect((await Promise.all(runs)).filter(Boolean)).toHaveLength(1);
        }
        expect(held).toBe(20);
      });

      it('knows of a COMMIT that is still under way on the other one what will become of it', async () => {
        const [{ unitOfWork: here }, { unitOfWork: there }] = open;
        const outcomes = new Set<boolean>();
        // One that settles it leaves its mark.
        await here.run((tx) => tx.query("INSERT INTO leases VALUES ('row 0', 0, UTC_TIMESTAMP(3))"), { settles: true });
        // Another server may apply it a moment later.
        const marks = () => cluster.nodes[2].query(`SELECT 1 FROM ${name}.leases WHERE name LIKE 'commit %'`);
        await expect.poll(marks, { timeout: PATIENCE_MS }).toHaveLength(1);
        for (let round = 1; round <= 20; round++) {
          const lost = await createConnection(`${cluster.nodes[0].url}/${name}`);
          const tx = {
            query: (sql: string, values?: unknown[]) => lost.query(sql, values),
          } as unknown as EntityManager;
          const mark = `commit 1 ${round % 3}`;
          await lost.query('START TRANSACTION');
          await lost.query(`INSERT INTO leases VALUES ('row ${round}', 0, UTC_TIMESTAMP(3))`);
          await writeMark(tx, mark);
          const isThere = (all: EntityManager) =>
            all
              .query<object[]>('SELECT 1 FROM leases WHERE name = ?', [`row ${round}`])
              .then((rows) => rows.length > 0);
          const settle = () => there.settle(new CommitUnknown([], undefined, mark), isThere, () => true);
          // Before it, after it, and at the same time.
          const commit = () =>
            lost.query('COMMIT').then(
              () => true,
              (error: { code: string }) => error.code,
            );
          let verdict: boolean | undefined;
          let committed: boolean | string;
          if (round % 3 === 0) [verdict, committed] = [await settle(), await commit()];
          else if (round % 3 === 1) [committed, verdict] = [await commit(), await settle()];
          else [verdict, committed] = await Promise.all([settle(), commit()]);
          expect(committed, `round ${round}`).toBe(verdict ? true : 'ER_LOCK_DEADLOCK');
          outcomes.add(verdict!);
          lost.destroy();
        }
        expect(outcomes).toEqual(new Set([true, false]));
      });
    });
  });

  // The last one: where it fails, there is no cluster any more.
  it('answers as where the database is away while there is no majority', { timeout: 300_000 }, async () => {
    await create();
    const app = await startOn(haproxy.port);
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await ada.connect();
    expect((await sendTo(socket, bob.id, 'one', 'id-1')).seq).toBe(1);
    const left = await writer();
    const others = cluster.nodes.filter((node) => node !== left);
    await Promise.all(others.map((node) => node.kill()));
    // It takes the server some seconds to notice. Until then it answers what it may, and may give up a transaction as if another had won.
    expect((await sendTo(socket, bob.id, 'two', 'id-2')).error.code).toMatch(/^(unavailable|busy)$/);
    const statuses = new Set<number>();
    await eventually(
      async () => {
        const answers = await Promise.all(['/http/users', '/health/ready'].map((path) => ada.get(path)));
        for (const { status } of answers) statuses.add(status);
        return answers.every(({ status }) => status === 503) || undefined;
      },
      'answers of a node without a database',
      PATIENCE_MS,
    );
    expect([...statuses].filter((status) => status !== 200)).toEqual([503]);
    // As docs/operations.md says.
    await left.query("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'");
    await eventually(
      () => sendTo(socket, bob.id, 'two', 'id-2').then((sent) => (sent.ok && sent.seq === 2 ? true : undefined)),
      'the message',
      PATIENCE_MS,
    );
    await Promise.all(others.map((node) => node.run()));
    await cluster.isWhole();
  });
});
