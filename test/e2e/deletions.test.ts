// What may be a million rows is deleted in slices, and everybody else goes on meanwhile.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Housekeeping } from '../../src/auth/housekeeping.js';
import { Registration } from '../../src/auth/registration.entity.js';
import { ConversationRemoval } from '../../src/conversations/conversation-removal.js';
import { SLICE } from '../../src/database/delete-in-slices.js';
import { insertRows } from '../../src/database/dialect.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import type { GroupUpdate } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, next, Person, record, send, sendTo } from '../support/client.js';
import { makeGroup } from '../support/groups.js';
import { schemaColumns } from '../support/schema.js';

const MANY = 12 * SLICE;
const LONG_AGO = '2020-01-01 00:00:00.000';

interface Statement {
  sql: string;
  values: unknown[];
}

onAllDialects('deleting', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  /** Those with a `conversation_id`. */
  let tables: string[];

  beforeEach(async () => {
    app = await TestApp.start(dialect, { RATE_LIMITS: 'off' });
    const columns = await schemaColumns(app);
    tables = columns.filter(({ column }) => column === 'conversation_id').map(({ table }) => table);
    [ada, bob, eve] = [await Person.join(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    [ada, bob, eve].forEach((person) => person.hangUp());
    await app.stop();
  });

  const giveUp = (person: Person, group: number) =>
    call(app, 'DELETE', `/http/chat_groups/${group}/members/${person.id}`, { token: person.token });
  const insert = (table: string, columns: string, rows: (string | number | null)[][]) =>
    app.get(UnitOfWork).run(async (tx) => {
      for (let i = 0; i < rows.length; i += 1_000) await insertRows(tx, table, columns, rows.slice(i, i + 1_000));
    });
  /** Every statement from now on. */
  const statements = (): Statement[] => {
    const all: Statement[] = [];
    vi.spyOn(app.database.logger, 'logQuery').mockImplementation((sql, values) => {
      all.push({ sql, values: (values ?? []) as unknown[] });
    });
    return all;
  };
  const countOf = async (table: string, id: number, column = 'conversation_id'): Promise<number> => {
    const [{ n }] = await app
      .get(UnitOfWork)
      .read.query(`SELECT COUNT(*) AS n FROM ${table} WHERE ${column} = ?`, [id]);
    return Number(n);
  };
  /** Rows about a chat, in whatever tables there are. */
  const left = async (id: number): Promise<number> => {
    const counts = [countOf('conversations', id, 'id'), ...tables.map((table) => countOf(table, id))];
    return (await Promise.all(counts)).reduce((sum, n) => sum + n, 0);
  };
  /** A group in which much was said, of which much was edited, and that many were removed from. */
  const fullGroup = async (): Promise<number> => {
    const group = await makeGroup(ada);
    const seqs = Array.from({ length: MANY }, (_, i) => i + 1);
    const rows = seqs.map((seq) => [group, seq, ada.id, 'x', LONG_AGO]);
    await insert('messages', 'conversation_id, seq, sender_id, body, created_at', rows);
    const changed = seqs.slice(0, 3 * SLICE).map((seq) => [group, seq, seq]);
    await insert('message_changes', 'conversation_id, change_seq, seq', changed);
    await insert('group_removals', 'conversation_id, user_id, removed_at', [[group, eve.id, LONG_AGO]]);
    await insert('access_requests', 'conversation_id, user_id, created_at', [[group, eve.id, LONG_AGO]]);
    await app.database.query('UPDATE conversations SET last_seq = ? WHERE id = ?', [MANY, group] as never);
    return group;
  };

  it('a group is done at once for everybody, and a slice at a time on the disk, while others write', async () => {
    const group = await fullGroup();
    const [a, b] = [await ada.connect(), await bob.connect()];
    const told = next(b, 'group_update', (event: object) => 'deleted' in event);
    const log = statements();
    let isOver = false;
    // From before the first slice to behind the last.
    const writing = (async () => {
      while (!isOver) expect((await sendTo(b, eve.id, 'meanwhile')).ok).toBe(true);
    })();
    expect((await giveUp(ada, group)).status).toBe(204);
    while (!isOver) {
      isOver = (await left(group)) === 0;
      expect((await ada.get('/http/chat_groups')).body).toEqual([]);
      expect((await ada.get(`/http/chat_groups/${group}?after=0`)).status).toBe(404);
      expect((await send(a, { chat_type: 'group', chat_group_id: group, message: 'x' })).error.code).toBe('not_found');
    }
    await writing;
    expect(await told).toEqual({ chat_group_id: group, deleted: true });

    const isSlice = ({ sql }: Statement) => /^DELETE FROM messages\b/.test(sql);
    const slices = log.filter(isSlice);
    // Numbers have no gaps: these are the numbers of rows.
    const sizes = slices.map(({ values }) => {
      const [after, last] = values.slice(1) as [number, number];
      return last - Math.max(after, 0);
    });
    expect(sizes).toEqual(Array.from({ length: MANY / SLICE }, () => SLICE));
    // Between two of them others had their turns, in transactions of their own.
    const isMessage = ({ sql }: Statement) => sql.includes('last_message_at FROM conversations WHERE id IN');
    const between = log.slice(log.findIndex(isSlice), log.findLastIndex(isSlice));
    expect(between.some(isMessage)).toBe(true);
    const isEnd = ({ sql }: Statement) => sql === 'COMMIT';
    const places = [...log.keys()].filter((i) => isSlice(log[i]));
    for (const [i, place] of places.entries()) expect(log.slice(place, places[i + 1]).some(isEnd)).toBe(true);
  });

  it('goes on after a restart', async () => {
    const group = await fullGroup();
    // Killed right after the commit.
    vi.spyOn(app.get(ConversationRemoval), 'wake').mockImplementation(() => {});
    expect((await giveUp(ada, group)).status).toBe(204);
    expect(await left(group)).toBeGreaterThan(MANY);
    app = await app.restart();
    await eventually(async () => (await left(group)) === 0 || undefined, 'an empty group');
  });

  it('goes on once the database is well again', async () => {
    const group = await fullGroup();
    const unitOfWork = app.get(UnitOfWork);
    const run = unitOfWork.run.bind(unitOfWork);
    let failures = 0;
    // The third slice fails, and what is tried next.
    let slices = 0;
    vi.spyOn(unitOfWork, 'run').mockImplementation((work) => {
      if (/DELETE FROM/.test(String(work)) && ++slices > 2 && failures < 2) {
        failures++;
        return Promise.reject(new Error('a bad moment'));
      }
      return run(work);
    });
    expect((await giveUp(ada, group)).status).toBe(204);
    await eventually(async () => (await left(group)) === 0 || undefined, 'an empty group', 15_000);
    expect(failures).toBe(2);
  });

  it("a membership asks for nobody else, unless it was the owner's: then for the first in an index", async () => {
    const group = await makeGroup(ada);
    for (const person of [eve, bob])
      await call(app, 'POST', `/http/chat_groups/${group}`, { token: person.token, body: { is_enter: true } });
    const log = statements();
    expect((await giveUp(bob, group)).status).toBe(204);
    expect(log.filter(({ sql }) => /FROM members m? ?WHERE.* ORDER BY/s.test(sql))).toEqual([]);
    expect((await giveUp(ada, group)).status).toBe(204);
    expect((await eve.get('/http/chat_groups')).body).toMatchObject([{ owner_id: eve.id, member_count: 1 }]);
    const heir = 'SELECT user_id FROM members WHERE conversation_id = 1 ORDER BY joined_at, user_id LIMIT 1';
    const [plan] = await app.database.query(
      `EXPLAIN ${dialect === 'sqlite' ? 'QUERY PLAN' : 'FORMAT=TRADITIONAL'} ${heir}`,
    );
    if (dialect === 'sqlite') expect(plan.detail).toContain('INDEX ix_members_joined (conversation_id=?)');
    else expect([plan.key, plan.Extra]).toEqual(['ix_members_joined', expect.not.stringContaining('filesort')]);
  });

  it('an account with thousands of groups is a handful of statements for hundreds of them', async () => {
    const COUNT = 1_100;
    const ids = Array.from({ length: COUNT }, (_, i) => 1_000 + i);
    await insert(
      'conversations',
      'id, kind, last_seq, created_at',
      ids.map((id) => [id, 'group', 1, LONG_AGO]),
    );
    // Every other one has somebody else in it, every fourth is theirs.
    const isShared = (id: number) => id % 2 === 0;
    const isTheirs = (id: number) => id % 4 === 0;
    await insert(
      'chat_groups',
      'conversation_id, name, owner_id, is_private, member_count',
      ids.map((id) => [id, 'G', isTheirs(id) ? bob.id : ada.id, 0, isShared(id) ? 3 : 1]),
    );
    await insert(
      'members',
      'conversation_id, user_id, last_read_seq, joined_at',
      ids.flatMap((id) => [
        [id, ada.id, 0, LONG_AGO],
        // Bob has been there for longer than Eve.
        ...(isShared(id) ? [[id, bob.id, 0, '2020-01-02 00:00:00.000']] : []),
        ...(isShared(id) ? [[id, eve.id, 0, '2020-01-03 00:00:00.000']] : []),
      ]),
    );
    await insert(
      'messages',
      'conversation_id, seq, sender_id, body, created_at',
      ids.map((id) => [id, 1, ada.id, 'x', LONG_AGO]),
    );
    const updates = record<GroupUpdate>(
      await bob.connect(),
      'group_update',
      (event: object) => 'owner_id' in event && !('name' in event),
    );
    const log = statements();
    const { status } = await call(app, 'DELETE', '/http/users/profile', {
      token: ada.token,
      body: { password: ada.password },
    });
    expect(status).toBe(204);
    const commit = log.findIndex(({ sql }) => sql === 'COMMIT');
    expect(commit).toBeGreaterThan(10);
    const erasure = log.slice(
      0,
      log.findIndex(({ sql }) => /^UPDATE .?users/.test(sql)),
    );
    expect(erasure.length).toBeLessThan(100);
    const groups = (await bob.get('/http/chat_groups')).body;
    expect(groups).toHaveLength(COUNT / 2);
    for (const { owner_id, member_count } of groups) expect([owner_id, member_count]).toEqual([bob.id, 2]);
    const inherited = ids.filter((id) => isShared(id) && !isTheirs(id));
    await eventually(() => updates.length >= inherited.length || undefined, 'what came down to Bob');
    expect(updates.map(({ chat_group_id }) => chat_group_id)).toEqual(inherited);
    await eventually(async () => {
      const [{ n }] = await app.database.query("SELECT COUNT(*) AS n FROM conversations WHERE kind = 'group'");
      return Number(n) === COUNT / 2 || undefined;
    }, 'the end of the groups that nobody is left in');
  });

  it('what has run out goes in slices, too', async () => {
    const columns = 'token_hash, email, password_hash, first_name, last_name, expires_at';
    await insert(
      'registrations',
      columns,
      Array.from({ length: 3 * SLICE - 1 }, (_, i) => [`hash ${i}`, 'x', 'x', 'x', 'x', LONG_AGO]),
    );
    const log = statements();
    await app.get(Housekeeping).sweep();
    expect(await app.database.manager.countBy(Registration, { email: 'x' })).toBe(0);
    const deletes = log.filter(({ sql }) => /^DELETE FROM .?registrations/.test(sql));
    expect(deletes).toHaveLength(3);
    for (const { values } of deletes) expect(values.length).toBeLessThanOrEqual(SLICE + 1);
  });
});
