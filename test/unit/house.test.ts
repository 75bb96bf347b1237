// Rules of the house that no linter knows.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { publishedDirectly, writesOutside } from '../support/house-rules.js';
import { TOLD } from '../../src/domain-events/events.js';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));

const matches = (pattern: RegExp): [file: string, receiver: string][] =>
  files.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)].map(([, first]): [string, string] => [file, first ?? '']),
  );

const filesWith = (pattern: RegExp) => files.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

it('one file alone tells sockets what happened', () => {
  expect(filesWith(/\.emit\(/).sort()).toEqual([
    'sockets/publisher.ts',
    // At the start, to a WebSocket without a peer: whether Engine.IO is what it was.
    'sockets/transport/engine-internals.ts',
    // A connection goes back to Node's own server.
    'sockets/transport/upgrades.ts',
  ]);
});

it('one file alone reads the environment', () => {
  expect(filesWith(/process\.env\b/)).toEqual(['config/environment.ts']);
});

it('everything is written in a unit of work', () => {
  expect(filesWith(/@InjectRepository/)).toEqual([]);
  // Migrations are given a transaction by TypeORM.
  const written = files.filter(({ file }) => !file.startsWith('database/migrations/'));
  expect(written.flatMap(({ file, text }) => writesOutside(text).map((found) => `${file}: ${found}`))).toEqual([]);
});

it('what happened is recorded on its transaction, and published outside of one only by what has none', () => {
  expect(
    files
      .filter(({ text }) => publishedDirectly(text).length > 0)
      .map(({ file }) => file)
      .sort(),
  ).toEqual([
    // Entering a group that one is in already, and has read: nothing is written.
    'chat-groups/attendance/group-attendance.ts',
    // Of a whole batch, by one step after its commit.
    'conversations/message-log.ts',
    // A socket is bound to its session, and waits for the listeners.
    'identity/socket-sessions.ts',
    // Sockets come and go without a transaction.
    'sockets/presence.ts',
  ]);
});

it('what other nodes are told of is what transactions have recorded', () => {
  const recorded = matches(/events\.record\(\s*tx,\s*'(\w+)'/g).map(([, name]) => name);
  expect(recorded.length).toBeGreaterThan(15);
  expect(recorded).toEqual(expect.arrayContaining([...TOLD]));
  const heard = matches(/events\.onElsewhere\('(\w+)'/g).map(([, name]) => name);
  expect(heard.length).toBeGreaterThan(2);
});

it('every migration is known to the program', () => {
  const names = readdirSync(join(SRC, 'database/migrations')).filter((name) => /^\d+-/.test(name));
  const known = readFileSync(join(SRC, 'database/migrations/all.ts'), 'utf8');
  for (const name of names) expect(known).toContain(`./${name.replace(/\.ts$/, '.js')}`);
});

describe('these rules see', () => {
  it.each([
    ['a method of TypeORM', 'this.unitOfWork.read.update(User, { id }, { email })'],
    ['the same on another manager', 'manager.delete(table, { userId })'],
    ['the same with an entity that is not named', 'this.unitOfWork.read.insert(given, rows)'],
    ['a row that is deleted', 'read.remove(user)'],
    ['a row that was read', 'this.unitOfWork.read.save(user)'],
    ['a repository', 'tx.getRepository(User)'],
    ['a new id', 'insertId(this.unitOfWork.read, User, user)'],
    ['rows that are inserted', "insertRows(this.unitOfWork.read, 'pins', 'user_id', rows)"],
    ['rows that are inserted or changed', "upsertRows(read, 'pins', 'user_id', rows, 'user_id', 'at = new(at)')"],
    ['a query builder that inserts', 'this.unitOfWork.read.createQueryBuilder().insert()'],
    ['a query builder that updates', 'read.createQueryBuilder().update(User)'],
    ['a query builder that deletes', "read.createQueryBuilder(User, 'u').where('u.id = 1').delete()"],
    ['a query builder under a name', 'builder.delete()'],
    ['a transaction that is none', 'tx = this.unitOfWork.read', 'const tx = this.unitOfWork.read;'],
  ])('%s', (_, found, text = `async () => { await ${found}; }`) => {
    expect(writesOutside(text)).toEqual([found]);
    expect(writesOutside(text.replaceAll(/this\.unitOfWork\.read|\bread\b|\bmanager\b|builder/g, 'tx'))).toEqual(
      // These two are none on a transaction, either.
      /getRepository|save|tx =/.test(text) ? [expect.anything()] : [],
    );
  });

  it.each([
    "'DELETE FROM pins'",
    "'UPDATE users SET email = NULL'",
    "'INSERT INTO pins VALUES (?)'",
    "'REPLACE INTO pins VALUES (?)'",
    '`\n  insert ignore into ${table} VALUES ${rows}`',
    '`UPDATE ${table} SET email = NULL`',
    '`${prefix} DELETE FROM pins`',
    "'WITH old AS (SELECT 1) DELETE FROM pins'",
    "'TRUNCATE pins'",
  ])('the statement %s', (sql) => {
    const found = [sql.replaceAll(/\s+/g, ' ')];
    expect(writesOutside(`this.unitOfWork.read.query(${sql}, [id])`)).toEqual(found);
    expect(writesOutside(`tx.query(${sql}, [id])`)).toEqual([]);
    expect(writesOutside(`unitOfWork.run((tx) => read.query(${sql}))`)).toEqual(found);
    expect(writesOutside(`const sql = ${sql}; await connection.query(sql);`)).toEqual(found);
    expect(writesOutside(`const sql = ${sql}; await tx.query(sql);`)).toEqual([]);
    expect(writesOutside(`const SQL = { pin: ${sql} };`)).toEqual(found);
  });

  it('no writing in what only reads, or writes to something else', () => {
    for (const text of [
      "read.query('SELECT 1 FROM pins WHERE id = ? FOR UPDATE')",
      "read.createQueryBuilder(User, 'u').select('u.id').getRawMany()",
      "createHash('sha256').update(text)",
      'map.delete(key)',
      'map.clear()',
      "lock(tx, 'update')",
      "log('Update the server, and delete the file.')",
    ])
      expect(writesOutside(text)).toEqual([]);
  });

  it('what publishes by itself', () => {
    const text =
      "this.events.publish('a', b); await happened.publishAndWait(name, b); this.events.record(tx, 'a', b); this.publish(users);";
    expect(publishedDirectly(text)).toEqual(['events.publish', 'happened.publishAndWait']);
  });
});
