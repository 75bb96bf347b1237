// What the databases are trusted with: the schema, isolation, durability, and the cost of each question.
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { nameColumns, User } from '../../src/identity/user.entity.js';
import { LIST_LIMIT } from '../../src/common/pages.js';
import { ChatRoom } from '../../src/chat-rooms/chat-room.entity.js';
import { RoomKind } from '../../src/chat-rooms/room-kind.js';
import { Conversation } from '../../src/conversations/conversation.entity.js';
import { Entry } from '../../src/conversations/draft.js';
import { Message } from '../../src/conversations/message.entity.js';
import { Receipts } from '../../src/conversations/receipts.js';
import { Database } from '../../src/database/data-source.js';
import { sqliteFile } from '../../src/config/data-folder.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { inTuples, insertRows, toMoment } from '../../src/database/dialect.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { loadConfig } from '../../src/config/config.js';
import { Audience } from '../../src/people/audience.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { parley } from '../support/cli.js';
import { KNOWN_PASSWORD, setRole } from '../support/staff.js';
import { call, eventually, Person, sendTo } from '../support/client.js';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';

/** How each is asked for a plan that is a row per table; MySQL's own way is a tree. */
const EXPLAIN = { sqlite: 'EXPLAIN QUERY PLAN', mariadb: 'EXPLAIN', mysql: 'EXPLAIN FORMAT=TRADITIONAL' };

onAllDialects('the database', (dialect) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());

  it('has the tables that the entities describe, to the letter', async () => {
    const { upQueries } = await app.database.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
    expect(app.database.entityMetadatas.map(({ tableName }) => tableName).sort()).toEqual([
      'access_requests',
      'audit_heads',
      'audit_log',
      'blocks',
      'bot_chats',
      'bot_questions',
      'chat_groups',
      'chat_rooms',
      'consumer_marks',
      'conversations',
      'deleted_conversations',
      'deleted_reactions',
      'email_links',
      'export_parts',
      'exports',
      'group_departures',
      'group_removals',
      'invites',
      'mail_outbox',
      'members',
      'mentions',
      'message_changes',
      'messages',
      'password_resets',
      'reaction_totals',
      'reactions',
      'registrations',
      'replaced_passwords',
      'report_messages',
      'reports',
      'sessions',
      'settings',
      'users',
    ]);
  });

  it('can take its migrations back, and make them again', async () => {
    const { env, cleanUp } = await emptyEnvironment(dialect);
    const source = await Database.open(loadConfig(env), await dataSourceOptions(loadConfig(env)));
    for (const _ of source.migrations) await source.undoLastMigration();
    await source.runMigrations();
    expect(await source.showMigrations()).toBe(false);
    await source.destroy();
    await cleanUp();
  });

  it('changes no tables at a start that is told not to, and is refused until a migration has run', async () => {
    const { env, cleanUp } = await emptyEnvironment(dialect);
    const config = loadConfig({ ...env, MIGRATE_AT_START: 'off' });
    const open = async () => Database.open(config, await dataSourceOptions(config));
    await expect(open()).rejects.toThrow(/MIGRATE_AT_START is off: run `parley migrate` first\.$/);
    const { code, stdout } = await parley(env, 'migrate');
    expect([code, stdout]).toEqual([0, expect.stringContaining('The tables are up to date.\n')]);
    await (await open()).destroy();
    await cleanUp();
  });

  it('compares texts byte by byte, on a server whose default is another, and keeps emoji', async () => {
    const user = (email: string) => ({
      email,
      passwordHash: 'x',
      ...nameColumns('🦊', 'Ö'),
      createdAt: new Date(),
      lastSeen: null,
      erasedAt: null,
    });
    await app.database.manager.insert(User, ['abc', 'abC', 'ábc', 'abç'].map(user));
    expect(await app.database.manager.countBy(User, { email: 'abc' })).toBe(1);
    expect((await app.database.manager.findOneByOrFail(User, { email: 'abC' })).firstName).toBe('🦊');
    await expect(app.database.manager.insert(User, user('abc'))).rejects.toThrow();
    if (dialect === 'sqlite') return;
    const tables = await app.database.query(
      "SELECT TABLE_NAME AS name, TABLE_COLLATION AS collation FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> 'migrations'",
    );
    expect(tables.length).toBeGreaterThanOrEqual(app.database.entityMetadatas.length);
    for (const { collation } of tables) expect(collation).toBe('utf8mb4_bin');
    expect(
      await app.database.query(
        `SELECT @@sql_mode AS mode, @@${dialect === 'mariadb' ? 'tx' : 'transaction'}_isolation AS isolation`,
      ),
    ).toEqual([{ mode: 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', isolation: 'READ-COMMITTED' }]);
  });

  it('shows a reader nothing of a transaction that is not committed, and may never be', async () => {
    const unitOfWork = app.get(UnitOfWork);
    const count = () => unitOfWork.read.countBy(Message, { conversationId: 77 });
    const message = { conversationId: 77, seq: 1, senderId: 1, body: 'x', createdAt: new Date(), clientId: null };
    const failing = unitOfWork.run(async (tx) => {
      await tx.insert(Message, message);
      expect(await tx.countBy(Message, { conversationId: 77 })).toBe(1);
      expect(await count()).toBe(0);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect(await count()).toBe(0);
    await unitOfWork.run((tx) => tx.insert(Message, message));
    expect(await count()).toBe(1);
  });

  it('runs transactions that come at once without mixing them', async () => {
    const unitOfWork = app.get(UnitOfWork);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        unitOfWork.run(async (tx) => {
          await tx.insert(Message, {
            conversationId: 78,
            seq: i,
            senderId: 1,
            body: 'x',
            createdAt: new Date(i),
            clientId: null,
          });
          await new Promise((resolve) => setTimeout(resolve, 1));
          if (i % 2) throw new Error('odd');
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    const rows = await unitOfWork.read.findBy(Message, { conversationId: 78 });
    expect(rows.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  it.runIf(dialect === 'sqlite')(
    'flushes each commit to disk and wipes what is deleted, also when the file is opened again',
    async () => {
      for (const _ of [1, 2]) {
        const flushed = vi.spyOn(app.get(Database), 'flushed').mockRejectedValueOnce(new Error('not on disk'));
        const write = () => app.get(UnitOfWork).run((tx) => tx.query('UPDATE users SET last_seen = NULL'));
        await expect(write()).rejects.toThrow('not on disk');
        await write();
        expect(flushed).toHaveBeenCalledTimes(2);
        // 1: SQLite itself flushes only when it folds the log into the file; see `WalFile`.
        expect(await app.database.query('PRAGMA synchronous')).toEqual([{ synchronous: 1 }]);
        expect(await app.database.query('PRAGMA secure_delete')).toEqual([{ secure_delete: 1 }]);
        expect(await app.database.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
        app = await app.restart();
      }
      const { reader } = app.get(Database);
      await expect(reader.query("INSERT INTO users (email) VALUES ('x')")).rejects.toThrow(/readonly/);
    },
  );

  it.runIf(dialect === 'sqlite')('is one whole file after the server has stopped', async () => {
    const stopped = await TestApp.start(dialect);
    const ada = await Person.known(stopped);
    await ada.get('/http/users');
    await stopped.app.close();
    expect(readdirSync(stopped.env['DATA_DIR']).sort()).toEqual(['jwt-secret', 'parley.lock', 'parley.sqlite']);
    const Sqlite = sqliteDriver();
    const file = new Sqlite(sqliteFile({ dataDir: stopped.env['DATA_DIR'] }), { readonly: true });
    expect(file.prepare('SELECT email FROM users').all()).toEqual([{ email: ada.email }]);
    file.close();
  });

  it('finds the registration of an account by a key, however many there are', async () => {
    const registrations = Array.from({ length: 2_000 }, (_, i) => {
      const token = String(i).padStart(64, 'x');
      return [token, `r${i}@example.com`, 'x', 'R', 'R', toMoment(new Date(2e12)), i % 2 ? 5_000_000 + i : null];
    });
    const columns = 'token_hash, email, password_hash, first_name, last_name, expires_at, user_id';
    await app.get(UnitOfWork).run((tx) => insertRows(tx, 'registrations', columns, registrations));
    await app.database.query(dialect === 'sqlite' ? 'ANALYZE' : 'ANALYZE TABLE registrations');
    const log = vi.spyOn(app.database.logger, 'logQuery');
    const eve = await Person.known(app, 'Eve');
    const erase = { token: eve.token, body: { password: KNOWN_PASSWORD } };
    expect((await call(app, 'DELETE', '/http/users/profile', erase)).status).toBe(204);
    const asked = log.mock.calls.filter(([sql]) => /^SELECT .*registrations.*user_id.* = /s.test(sql));
    log.mockRestore();
    expect(asked).toHaveLength(1);
    const plan = await app.database.query(`${EXPLAIN[dialect]} ${asked[0][0]}`, asked[0][1] as never);
    expect(JSON.stringify(plan)).toContain('ix_registrations_user');
  });

  describe('with many users and messages', () => {
    let ada: Person;
    let room: number;
    let first: number;
    let statements: { query: string; parameters: unknown[] }[];

    beforeAll(async () => {
      ada = await Person.known(app);
      const bob = await Person.known(app, 'Bob');
      room = (await sendTo(await ada.connect(), bob.id, 'first')).chat_room_id;
      const rows = Array.from({ length: 20_000 }, (_, i) => [room + (i % 2) * 1000, 2 + (i >> 1)] as const);
      const users = Array.from({ length: 20_000 }, (_, i) => i);
      first = bob.id + 1;
      await app.get(UnitOfWork).run(async (tx) => {
        for (let i = 0; i < rows.length; i += 1000) {
          await tx.insert(
            Message,
            rows.slice(i, i + 1000).map(([conversationId, seq]) => ({
              conversationId,
              seq,
              senderId: ada.id,
              body: 'x',
              createdAt: new Date(2e12 + seq),
              clientId: null,
              // Every other message of the room was reacted to, the newest ones first.
              change: conversationId === room && seq % 2 === 0 ? (10_002 - seq) / 2 : null,
            })),
          );
          await tx.insert(
            User,
            users.slice(i, i + 1000).map((n) => ({
              email: `plan${n}`,
              passwordHash: 'x',
              ...nameColumns(`N${n}`, `L${n}`),
              createdAt: new Date(),
              lastSeen: null,
              erasedAt: null,
            })),
          );
        }
        for (let id = 10_000; id < 15_000; id += 1000) {
          const ids = Array.from({ length: 1000 }, (_, i) => id + i);
          const at = new Date();
          await tx.insert(
            Conversation,
            ids.map((one) => ({
              id: one,
              kind: 'room' as const,
              lastSeq: 1,
              lastMessageAt: at,
              createdAt: at,
            })),
          );
          await tx.insert(
            ChatRoom,
            ids.map((one) => ({ conversationId: one, userLow: first + one - 10_000, userHigh: first + one - 9_999 })),
          );
          const members = ids.flatMap((one) => [0, 1].map((n) => [one, first + one - 10_000 + n, 0, toMoment(at)]));
          await insertRows(tx, 'members', 'conversation_id, user_id, last_read_seq, joined_at', members);
        }
        await tx.query('UPDATE conversations SET last_seq = 10001 WHERE id = ?', [room]);
        const changes = Array.from({ length: 5000 }, (_, i) => [room, i + 1, 10_000 - 2 * i]);
        for (let i = 0; i < changes.length; i += 1000) {
          const some = changes.slice(i, i + 1000);
          await insertRows(tx, 'message_changes', 'conversation_id, change_seq, seq', some);
          await insertRows(
            tx,
            'reaction_totals',
            'conversation_id, seq, emoji, total, first_change',
            some.map(([, change, seq]) => [room, seq, '👍', 1, change]),
          );
          await insertRows(
            tx,
            'reactions',
            'conversation_id, seq, emoji, user_id',
            some.map(([, , seq]) => [room, seq, '👍', ada.id]),
          );
        }
        const blocks = Array.from({ length: 5000 }, (_, i) => [
          first + (i % 100),
          first + 100 + i,
          toMoment(new Date()),
        ]);
        for (let i = 0; i < blocks.length; i += 1000)
          await insertRows(tx, 'blocks', 'blocker_id, blocked_id, created_at', blocks.slice(i, i + 1000));
      });
      await app.database.query(
        dialect === 'sqlite'
          ? 'ANALYZE'
          : 'ANALYZE TABLE messages, users, members, conversations, message_changes, reaction_totals, reactions, blocks',
      );
    }, 120_000);

    beforeEach(() => {
      statements = [];
      const { reader } = app.get(Database);
      const record = (query: string, parameters?: unknown[]) =>
        void statements.push({ query, parameters: parameters ?? [] });
      Object.assign(reader, {
        logger: { ...reader.logger, logQuery: record, logQueryError: () => {}, logQuerySlow: () => {} },
      });
    });

    /** How the database goes about each of the statements: one line per table. */
    const plans = async (): Promise<string[]> => {
      // On MariaDB and MySQL our own questions are recorded, too. Whether a list is one page is asked soon after it has grown, and reads
      // that much of it at most.
      const mine = statements.filter(
        ({ query }) => /^(SELECT|WITH)/.test(query) && !query.endsWith(`LIMIT 1 OFFSET ${LIST_LIMIT}`),
      );
      const lines: string[] = [];
      for (const { query, parameters } of mine) {
        const rows = await app.database.query(`${EXPLAIN[dialect]} ${query}`, parameters as never);
        for (const row of rows)
          lines.push(dialect === 'sqlite' ? row.detail : `${row.table} ${row.type} ${row.key} ${row.Extra ?? ''}`);
      }
      // What the server itself asks meanwhile, by a whole key that finds no row, has no plan.
      return lines.filter((line) => !line.endsWith('no matching row in const table'));
    };

    it.each([1, 2, 20])('%i rows of many are changed and deleted by their key', async (count) => {
      const rows = Array.from({ length: count }, (_, i) => [room, 2 + i] as const);
      const { sql, values } = inTuples(app.database.manager, 'conversation_id, seq', rows);
      for (const statement of ['DELETE FROM messages', "UPDATE messages SET body = ''"]) {
        const plan = await app.database.query(`${EXPLAIN[dialect]} ${statement} WHERE ${sql}`, values);
        if (dialect === 'sqlite') expect(JSON.stringify(plan)).not.toMatch(/"SCAN (?!\d+-ROW|CONSTANT)/);
        else expect(plan[0].type, statement).toMatch(/^(range|const)$/);
      }
    });

    const moment = (seq: number) => `?until=${new Date(2e12 + seq).toISOString()}`;
    const PAGES = [
      '',
      '?before=200',
      '?before=5000',
      '?after=200',
      '?after=9800',
      moment(200),
      moment(5000),
      moment(9900),
    ];

    it.each(PAGES)('a page of history%s is found by a key', async (query) => {
      const { body } = await ada.get(`/http/chat_rooms/${room}${query}`);
      expect(body).toHaveLength(100);
      const lines = await plans();
      for (const line of lines) {
        // The search for a moment walks through its own steps, of which there are some twenty.
        if (dialect === 'sqlite') expect(line).not.toMatch(/^SCAN (?!search|CONSTANT ROW|\d+-ROW VALUES)/);
        else expect(line).not.toMatch(/^(messages|m|c) (ALL|index) |^messages .*filesort/);
      }
      const isPage = query.startsWith('?until') ? /^(SEARCH )?messages / : /^(SEARCH )?m /;
      const page = lines.filter((line) => isPage.test(line)).join();
      expect(page).toMatch(
        dialect === 'sqlite' ? /\(conversation_id=\? AND seq>\? AND seq<\?\)$/ : /^\w+ range PRIMARY /,
      );
      if (query.startsWith('?until'))
        expect(lines.join('\n')).toMatch(
          dialect === 'sqlite' ? /SEARCH m USING PRIMARY KEY \(conversation_id=\? AND seq=\?\)/ : /^m eq_ref PRIMARY/m,
        );
    });

    it.skipIf(dialect === 'sqlite')('a page reads no more rows than it shows, wherever it stands', async () => {
      const one = app.database.createQueryRunner();
      for (const page of PAGES) {
        statements = [];
        await ada.get(`/http/chat_rooms/${room}${page}`);
        const mine = statements.filter(({ query }) => /(FROM|JOIN) `?messages/.test(query));
        await one.query('FLUSH STATUS');
        for (const { query, parameters } of mine) await one.query(query, parameters as never);
        const reads = await one.query("SHOW SESSION STATUS LIKE 'Handler_read%'");
        const rows = reads.reduce((sum: number, { Value }: { Value: string }) => sum + Number(Value), 0);
        expect(mine.length, page).toBeGreaterThan(0);
        // The hundred, the one behind them, the member and the chat; for a moment, some fourteen steps of halving, each noted and read
        // again.
        expect(rows, page).toBeLessThanOrEqual(page.startsWith('?until') ? 220 : 103);
      }
      await one.release();
    });

    it('those who wait to be let in are found by a key, in order, whoever was refused', async () => {
      const body = { chat_group_name: 'Doors', is_private: true };
      const { id } = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body;
      const rows = Array.from({ length: 5_000 }, (_, i) => [
        id as number,
        ada.id + 2 + i,
        toMoment(new Date(i)),
        i % 2 ? toMoment(new Date()) : null,
      ]);
      const columns = 'conversation_id, user_id, created_at, refused_at';
      for (let i = 0; i < rows.length; i += 1000)
        await app.get(UnitOfWork).run((tx) => insertRows(tx, 'access_requests', columns, rows.slice(i, i + 1000)));
      await app.database.query(`ANALYZE ${dialect === 'sqlite' ? '' : 'TABLE '}access_requests`);
      statements = [];
      const answer = await ada.get(`/http/chat_groups/access_requests/${id}`);
      expect(answer.body).toHaveLength(1_000);
      const next = /cursor=([\w-]+)/.exec(answer.headers.get('link')!)![1];
      await ada.get(`/http/chat_groups/access_requests/${id}?cursor=${next}`);
      const lines = (await plans()).filter((line) => /^(SEARCH |SCAN |USE )?(r|u|TEMP)\b/.test(line));
      expect(lines.length).toBeGreaterThanOrEqual(4);
      for (const line of lines)
        expect(line).toMatch(
          dialect === 'sqlite'
            ? /^SEARCH (r USING (COVERING )?INDEX ix_access_requests_waiting|u USING INTEGER PRIMARY KEY)/
            : /^(r (ref|range) ix_access_requests_waiting (?!.*filesort)|u eq_ref PRIMARY )/,
        );
    });

    it.each([0, 2000, 4890])('what changed after %i is found by a key', async (n) => {
      const { body } = await ada.get(`/http/chat_rooms/${room}?changes_after=${n}`);
      expect(body.map(({ seq }: { seq: number }) => seq)).toEqual(
        Array.from({ length: 100 }, (_, i) => 10_000 - 2 * (n + i)),
      );
      expect(body[0].reactions).toEqual([{ emoji: '👍', count: 1, is_mine: true }]);
      // May the caller read it; the numbers; the messages; their reactions, and which of these are the caller's.
      const lines = (await plans()).filter(
        (line) => !/^(CO-ROUTINE|MATERIALIZE|LIST SUBQUERY|SCAN|USE TEMP B-TREE)/.test(line),
      );
      for (const line of lines) {
        if (dialect === 'sqlite')
          expect(line).toMatch(/^SEARCH .* USING ((INTEGER )?PRIMARY KEY|COVERING INDEX \w+) \(/);
        else expect(line).toMatch(/ (const|range|eq_ref) PRIMARY |^<derived2> ALL null .*filesort/);
      }
      expect(lines.join('\n')).toMatch(
        dialect === 'sqlite'
          ? /message_changes USING PRIMARY KEY \(conversation_id=\? AND change_seq>\?\)/
          : /message_changes range PRIMARY (?!.*filesort)/,
      );
      expect(lines.join('\n')).toMatch(
        dialect === 'sqlite' ? /t USING PRIMARY KEY \(conversation_id=\? AND seq=\?\)/ : /^t range PRIMARY /m,
      );
    });

    it('who is erased or blocked is found by keys, for a whole batch at once', async () => {
      const entries = Array.from({ length: 250 }, (_, i) => {
        const entry = new Entry({
          kind: 'room',
          sender: { userId: first + i, sessionId: 0 },
          target: { low: first + i, high: first + i + 1 },
          body: '',
        });
        return Object.assign(entry, { conversationId: 10_000 + i });
      });
      const calls = await app.get(UnitOfWork).run(async (tx) => {
        const spy = vi.spyOn(tx, 'query');
        await app.get(RoomKind).checkNew(tx, entries);
        return [...spy.mock.calls];
      });
      expect(calls).toHaveLength(1);
      statements = calls.map(([query, parameters]) => ({ query, parameters: parameters as unknown[] }));
      const lines = await plans();
      expect(lines.length).toBeGreaterThanOrEqual(5);
      for (const line of lines)
        expect(line).toMatch(
          dialect === 'sqlite'
            ? /^SEARCH (r|low|high|mine|theirs) USING (INTEGER PRIMARY KEY|PRIMARY KEY|(COVERING )?INDEX \w+) \(/
            : /^(r|low|high|mine|theirs) (range|eq_ref|const|ref) /,
        );
    });

    it.each([
      '/http/users',
      '/http/users?query=n1999',
      '/http/users?query=n1999%20l1',
      '/http/users?ids=7,900,15000',
      '/http/users/blocked',
      '/http/chat_rooms',
      '/http/notifications',
      '/http/sessions',
    ])('%s reads no table from end to end', async (path) => {
      expect((await ada.get(path)).status).toBe(200);
      for (const line of await plans()) {
        // Temporary results of our own sub-selects (found, by_first, …) may be read whole: they are the answer.
        if (dialect === 'sqlite') expect(line).not.toMatch(/^SCAN (?!found|by_first|by_last|chats|\(subquery)/);
        else expect(line).not.toMatch(/^(users|User|Session|Block|messages|m|b|c|r|u|mine|theirs) ALL /);
      }
    });

    it.each(['', '?role=admin', '?state=suspended', '?state=active', '?query=n1999', '?query=person1%40'])(
      '/http/admin/users%s reads no table from end to end',
      async (query) => {
        await setRole(app, ada, 'admin');
        await app.database.query("UPDATE sessions SET elevated_until = '2999-01-01 00:00:00.000' WHERE user_id = ?", [
          ada.id,
        ]);
        statements = [];
        expect((await ada.get(`/http/admin/users${query}`)).status).toBe(200);
        const lines = await plans();
        expect(lines.length).toBeGreaterThan(2);
        for (const line of lines) {
          if (dialect === 'sqlite') expect(line).not.toMatch(/^SCAN (?!found|by_first|by_last|\(subquery)/);
          else expect(line).not.toMatch(/^(users|User|u|s) ALL /);
        }
      },
    );

    it.each(['who hears of a person', 'to whom a receipt is told'])('%s is found by keys', async (what) => {
      if (what.startsWith('who')) {
        const viewers = await app.get(Audience).of([ada.id]);
        expect([...viewers.keys()]).toEqual([ada.id]);
      } else {
        const moved = { conversationId: room, userId: ada.id, lastSeq: 10_001, lastReadSeq: 2 };
        app.get(Receipts).moved(moved);
        // Groups that the tests before this one have made are told at some time, too.
        const isReceipt = ({ query }: { query: string }) => /FROM members m\s+LEFT JOIN chat_rooms/.test(query);
        await eventually(() => statements.find(isReceipt));
        statements = statements.filter(isReceipt);
      }
      const lines = await plans();
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        if (dialect === 'sqlite') expect(line).not.toMatch(/^SCAN (?!\(?\d+|.*CONSTANT ROW)/);
        else expect(line).not.toMatch(/^(m|mine|r|g) (ALL|index) /);
      }
    });

    // The last: what it makes is told soon, by questions that are none of the others'.
    it('all groups, with what the caller has asked for, are one question, and each table beside them is found by a key', async () => {
      const create = (name: string) =>
        call(app, 'POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: name } });
      const ask = async (): Promise<number> => {
        statements = [];
        const { body } = await ada.get('/http/chat_groups');
        statements = statements.filter(({ query }) => query.includes('chat_groups g'));
        return body.length;
      };
      await create('One');
      const few = await ask();
      const questions = statements.length;
      for (let i = 0; i < 5; i++) await create(`More ${i}`);
      expect(await ask()).toBe(few + 5);
      expect([questions, statements.length]).toEqual([1, 1]);
      const lines = (await plans()).filter((line) => /^(SEARCH |SCAN )?(c|mine|gone|asked|m) /.test(line));
      expect(lines).toHaveLength(5);
      // By both columns of a key, or among the few that are the caller's.
      for (const line of lines)
        expect(line).toMatch(dialect === 'sqlite' ? /^SEARCH \w+ USING / : /^\w+ (eq_ref|const|ref|range) \w+ /);
    });
  });
});
