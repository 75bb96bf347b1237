// Who is found by which beginning of a name, also among those who came before names were folded as they are now.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameColumns, User } from '../../src/identity/user.entity.js';
import { fold } from '../../src/common/text/folding.js';
import { loadConfig } from '../../src/config/config.js';
import { Database } from '../../src/database/data-source.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { FoldedNames1764560000000 } from '../../src/database/migrations/1764560000000-folded-names.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { Person } from '../support/client.js';

const PEOPLE = [
  ['Anna', 'Straße'],
  ['İbrahim', 'Işık'],
  ['Zoë', "O'Neil"],
  ['Γιώργος', 'Παπαδόπουλος'],
  ['Пётр', 'Чайковский'],
  ['Łukasz', 'Ærø'],
  ['Mary Ann', 'Evans-Cross'],
  ['プーさん', 'はちみつ'],
  ['किम', 'हिन्दी'],
  ['100%', '_under'],
  ['🦊\ufe0f', 'Fox'],
  ['Ｗｉｄｅ', 'ﬁne'],
] as const;

const FOUND: [query: string, lastNames: string[]][] = [
  ['STRASSE', ['Straße']],
  ['straß', ['Straße']],
  ['STRAẞE', ['Straße']],
  ['anna str', ['Straße']],
  ['strasse an', ['Straße']],
  ['ibrahim', ['Işık']],
  ['İBRAHİM', ['Işık']],
  ['i\u0307brahim', ['Işık']],
  ['isik', ['Işık']],
  ['IŞIK', ['Işık']],
  ['zoe', ["O'Neil"]],
  ['Zoe\u0308', ["O'Neil"]],
  ['ZOË O’NEIL', ["O'Neil"]],
  ['γιωργοσ', ['Παπαδόπουλος']],
  ['ΓΙΩΡΓΟΣ ΠΑΠΑΔΟΠΟΥΛΟΣ', ['Παπαδόπουλος']],
  ['петр', ['Чайковский']],
  ['ЧАИКОВСКИИ', ['Чайковский']],
  ['lukasz aero', ['Ærø']],
  ['mary', ['Evans-Cross']],
  ['  Mary \u00a0 ANN  evans‐c ', ['Evans-Cross']],
  ['ann', ['Straße']],
  ['プーサ', []],
  ['プーさ', ['はちみつ']],
  ['フーさ', []],
  ['ﾌﾟｰさ', ['はちみつ']],
  ['कि', ['हिन्दी']],
  ['कम', []],
  ['100%', ['_under']],
  ['%', []],
  ['_', ['_under']],
  ['1__%', []],
  ['🦊', ['Fox']],
  ['🦊 fox', ['Fox']],
  ['🐺', []],
  ['wide fi', ['ﬁne']],
  ["'; DROP TABLE users; --", []],
  ['x'.repeat(161), []],
  ['\u{10ffff}', []],
];

onAllDialects('the search for people', (dialect) => {
  describe('by the beginning of a name', () => {
    let app: TestApp;
    let ada: Person;

    beforeAll(async () => {
      app = await TestApp.start(dialect);
      const rest = { passwordHash: 'x', createdAt: new Date(), lastSeen: null, erasedAt: null };
      const rows = PEOPLE.map(([first, last], i) => ({
        ...nameColumns(first, last),
        email: `p${i}@example.com`,
        ...rest,
      }));
      await app.database.manager.insert(User, rows);
      ada = await Person.known(app);
    });
    afterAll(() => app.stop());

    const search = (query: string) => ada.get(`/http/users?query=${encodeURIComponent(query)}`);

    it.each(FOUND)('%j', async (query, lastNames) => {
      const { status, body } = await search(query);
      expect(status).toBe(200);
      expect(body.map(({ last_name }: { last_name: string }) => last_name)).toEqual(lastNames);
    });

    it.each(['', ' ', '\u00a0\t', '\u200b', '\ufe0f'])(
      'with nothing to look for finds everybody (%j)',
      async (query) => {
        expect((await search(query)).body).toHaveLength(PEOPLE.length + 1);
      },
    );

    it('refuses what is no beginning of any name', async () => {
      expect(await search('x'.repeat(162))).toMatchObject({
        status: 400,
        body: { fields: { query: expect.any(Array) } },
      });
    });

    it('finds whoever is renamed by the new name, and no more by the old one', async () => {
      await ada.put('/http/users/profile', { first_name: 'Émilie' });
      expect((await search('emilie love')).body).toHaveLength(1);
      await ada.put('/http/users/profile', { last_name: 'Noether' });
      expect((await search('noether em')).body).toHaveLength(1);
      expect([...(await search('ada')).body, ...(await search('lovelace')).body]).toEqual([]);
    });
  });

  it('finds those who were there before, by names that the migration folds as the server does', async () => {
    const { env, cleanUp } = await emptyEnvironment(dialect);
    const config = loadConfig(env);
    const source = await Database.open(config, await dataSourceOptions(config));
    try {
      const names = source.migrations.map(({ name }) => name);
      const since = names.length - names.indexOf(FoldedNames1764560000000.name);
      for (let i = 0; i < since; i++) await source.undoLastMigration();
      const old = (name: string) => name.normalize('NFKC').toLowerCase();
      // More than the migration takes at once.
      const people = Array.from({ length: 1_100 }, (_, i) => PEOPLE[i % PEOPLE.length]);
      for (let i = 0; i < people.length; i += 100) {
        const some = people.slice(i, i + 100);
        await source.query(
          `INSERT INTO users (email, password_hash, first_name, last_name, first_name_key, last_name_key, created_at)
           VALUES ${some.map(() => "(?, 'x', ?, ?, ?, ?, '2026-01-01 00:00:00.000')").join()}`,
          some.flatMap(([first, last], n) => [`old${i + n}`, first, last, old(first), old(last)]),
        );
      }
      await source.query(
        `INSERT INTO users (email, password_hash, first_name, last_name, first_name_key, last_name_key, created_at, erased_at)
         VALUES ('erased', '', 'deleted', 'user', '', '', '2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000')`,
      );
      const keys = (): Promise<{ first: string; last: string }[]> =>
        source.query('SELECT first_name_key AS `first`, last_name_key AS `last` FROM users ORDER BY id');
      await source.runMigrations();
      expect(await keys()).toEqual([
        ...people.map(([first, last]) => ({ first: fold(`${first} ${last}`), last: fold(`${last} ${first}`) })),
        { first: '', last: '' },
      ]);
      for (let i = 0; i < since; i++) await source.undoLastMigration();
      expect((await keys())[0]).toEqual({ first: 'anna', last: 'straße' });
    } finally {
      await source.destroy();
      await cleanUp();
    }
  });
});
