// Statements of one transaction that go to a server together: what each gets, and what becomes of them where one fails.
import type { PoolConnection } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import type { EntityManager } from 'typeorm';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Database } from '../../src/database/data-source.js';
import { BEGIN, WITHOUT_WAITING } from '../../src/database/mysql/gathered-statements.js';
import { commandsOf } from '../../src/database/mysql/mysql-internals.js';
import { poolOf } from '../../src/database/typeorm-internals.js';
import type { UnitOfWork } from '../../src/database/unit-of-work.js';
import { emptyDatabase, onServers } from '../support/app.js';
import { nodeEnvironment, openDatabase, unitOfWorkOf } from '../support/nodes.js';

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

onServers('statements of one turn', (kind) => {
  let database: Database;
  let unitOfWork: UnitOfWork;
  let drop: () => Promise<void>;
  let url: string;
  /** The packets of the one connection that transactions get. */
  let packets: string[];
  let connection: PoolConnection;

  beforeEach(async () => {
    const made = await emptyDatabase(kind);
    ({ drop, url } = made);
    const env = nodeEnvironment(made.url);
    database = await openDatabase(env);
    unitOfWork = unitOfWorkOf(database, env);
    await database.query('CREATE TABLE said (id INT PRIMARY KEY, body LONGTEXT)');
    connection = await new Promise((resolve, reject) =>
      poolOf(database).getConnection((error, one) => (error ? reject(error) : resolve(one))),
    );
    packets = [];
    const commands = commandsOf(connection);
    const add = commands.addCommand.bind(connection);
    commands.addCommand = (command) => {
      packets.push((command as { sql?: string }).sql ?? '');
      return add(command);
    };
    vi.spyOn(poolOf(database), 'getConnection').mockImplementation(((
      done: (error: null, one: PoolConnection) => void,
    ) => done(null, connection)) as never);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    connection.release();
    await database.destroy();
    await drop();
  });

  const say = (tx: EntityManager, id: number, body = 'x'): Promise<unknown> =>
    tx.query('INSERT INTO said VALUES (?, ?)', [id, body]);
  const ids = async (): Promise<number[]> => {
    vi.restoreAllMocks();
    return (await database.query<{ id: number }[]>('SELECT id FROM said ORDER BY id')).map(({ id }) => id);
  };

  it('are one packet, and each gets its own answer', async () => {
    const answers = await unitOfWork.run(async (tx) => {
      const both = await Promise.all([say(tx, 1, "a'; DROP TABLE said; -- \\"), say(tx, 2, 'ünïcödé')]);
      const [one, none, two] = await Promise.all([
        tx.query('SELECT body FROM said WHERE id = ?', [1]),
        tx.query('SELECT body FROM said WHERE id = ?', [9]),
        tx.query('SELECT body, id FROM said WHERE id IN (?, ?) ORDER BY id', [1, 2]),
      ]);
      return { both, one, none, two };
    });
    const hostile = "a'; DROP TABLE said; -- \\";
    expect(answers).toMatchObject({
      both: [{ affectedRows: 1 }, { affectedRows: 1 }],
      one: [{ body: hostile }],
      none: [],
      two: [
        { id: 1, body: hostile },
        { id: 2, body: 'ünïcödé' },
      ],
    });
    expect(packets.map((packet) => packet.slice(0, 6))).toEqual([BEGIN.slice(0, 6), 'INSERT', 'SELECT', 'COMMIT']);
    expect(await ids()).toEqual([1, 2]);
  });

  it('are sent one by one where each is awaited', async () => {
    await unitOfWork.run(async (tx) => {
      await say(tx, 1);
      await say(tx, 2);
    });
    expect(packets).toHaveLength(4);
  });

  it('begin the transaction together with it where the work waits for nobody', async () => {
    await unitOfWork.run((tx) => Promise.all([say(tx, 1), say(tx, 2)]), { isAhead: true, settles: true });
    expect(packets).toHaveLength(2);
    expect(packets[0]).toMatch(/^START TRANSACTION; INSERT INTO said .*; INSERT INTO said /);
    expect(await ids()).toEqual([1, 2]);
  });

  it('keep their place before what TypeORM sends by itself', async () => {
    const isThere = await unitOfWork.run(
      async (tx) => {
        const [, found] = await Promise.all([say(tx, 1), tx.queryRunner!.hasTable('said'), say(tx, 2)]);
        return found;
      },
      { isAhead: true, settles: true },
    );
    expect(isThere).toBe(true);
    expect(packets[0]).toMatch(/^START TRANSACTION/);
    expect(packets.at(-1)).toBe('COMMIT');
    expect(await ids()).toEqual([1, 2]);
  });

  it('fail together: those behind the bad one do not run, and nothing is stored', async () => {
    const failed = unitOfWork.run(async (tx) => {
      await say(tx, 1);
      const all = await Promise.allSettled([say(tx, 2), tx.query('SELECT nothing FROM nowhere'), say(tx, 3)]);
      expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      // Nor does what comes after them.
      await say(tx, 4);
    });
    await expect(failed).rejects.toThrow('nowhere');
    expect(packets.at(-1)).toBe('ROLLBACK');
    expect(packets).toHaveLength(4);
    expect(await ids()).toEqual([]);
  });

  it('fail together also where they are several packets, and the server has ended the transaction by itself', async () => {
    const other = await createConnection(url);
    await other.query('INSERT INTO said VALUES (1, ?), (2, ?)', ['mine', 'theirs']);
    await other.query('START TRANSACTION');
    // Of two transactions that wait for each other the server ends the one that has changed less.
    await other.query(
      `INSERT INTO said VALUES ${range(100, 200)
        .map((id) => `(${id}, '')`)
        .join()}`,
    );
    await other.query('UPDATE said SET body = ? WHERE id = 2', ['taken']);
    let theirs: Promise<unknown> | undefined;
    let tries = 0;
    const done = unitOfWork.run(async (tx) => {
      if (++tries > 1) throw new Error('tried again');
      await tx.query('UPDATE said SET body = ? WHERE id = 1', ['taken']);
      theirs = other.query('UPDATE said SET body = ? WHERE id = 1', ['theirs']);
      const later = async (): Promise<void> => {
        await say(tx, 10);
        await say(tx, 11);
      };
      await Promise.all([
        later(),
        tx.query('UPDATE said SET body = ? WHERE id = 2', ['x'.repeat(1_000_000)]),
        say(tx, 12, 'x'.repeat(1_000_000)),
        say(tx, 13),
      ]);
    });
    await expect(done).rejects.toThrow('tried again');
    await theirs;
    await other.query('COMMIT');
    await other.end();
    expect(await ids()).toEqual([1, 2, ...range(100, 200)]);
  });

  it('leave a transaction usable where one of them refused to wait for a row that is held', async (test) => {
    if (kind !== 'mariadb') test.skip();
    const other = await createConnection(url);
    await other.query('INSERT INTO said VALUES (1, ?)', ['theirs']);
    await other.query('START TRANSACTION');
    await other.query('SELECT id FROM said WHERE id = 1 FOR UPDATE');
    await unitOfWork.run(async (tx) => {
      await say(tx, 2);
      const all = await Promise.allSettled([
        tx.query(`${WITHOUT_WAITING}UPDATE said SET body = ? WHERE id = 1`, ['x'.repeat(1_000_000)]),
        say(tx, 3, 'x'.repeat(1_000_000)),
      ]);
      expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      await say(tx, 3);
    });
    await other.end();
    expect(await ids()).toEqual([1, 2, 3]);
  });

  it('do not keep a ROLLBACK from the server, whatever becomes of those before it', async () => {
    const failed = unitOfWork.run(async (tx) => {
      await say(tx, 1);
      void Promise.allSettled([tx.query('SELECT nothing FROM nowhere'), say(tx, 2, 'x'.repeat(1_000_000))]);
      throw new Error('given up');
    });
    await expect(failed).rejects.toThrow('given up');
    expect(packets.at(-1)).toBe('ROLLBACK');
    expect(await ids()).toEqual([]);
  });

  it('are not committed one by one where the BEGIN among them failed', async () => {
    const work = async (tx: EntityManager): Promise<void> => {
      await Promise.allSettled([tx.query('SELECT nothing FROM nowhere')]);
      // Its caller has not heard of it yet, say.
      await say(tx, 1);
    };
    await expect(unitOfWork.run(work, { isAhead: true, settles: true })).rejects.toThrow();
    expect(await ids()).toEqual([]);
  });

  it('that are long go in several packets, in their order', async () => {
    const long = 'x'.repeat(600_000);
    await unitOfWork.run((tx) => Promise.all([1, 2, 3].map((id) => say(tx, id, id === 2 ? 'short' : long))));
    expect(packets.map(({ length }) => Math.round(length / 100_000))).toEqual([0, 6, 6, 0]);
    expect(await ids()).toEqual([1, 2, 3]);
  });
});
