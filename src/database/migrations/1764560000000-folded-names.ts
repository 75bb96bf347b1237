import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users of one statement. */
const CHUNK = 500;
/** Characters that the columns hold. */
const LENGTH = 240;

const PLAIN: Record<string, string> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ŧ: 't',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
};
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'g');

// In other scripts marks are vowels, or make another letter.
const ACCENTS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu;

const withoutAccents = (text: string): string => text.normalize('NFKD').replace(ACCENTS, '');

/** `fold` of src/common/text/folding.ts, as it was then. */
const fold = (text: string): string =>
  withoutAccents(
    withoutAccents(
      text
        .replace(/[\u0060\u00b4\u02bb\u02bc\u2018\u2019\u2032\uff07]/g, "'")
        .replace(/\p{Pd}/gu, '-')
        .replace(/\p{Default_Ignorable_Code_Point}/gu, ''),
    )
      // Twice: ẞ has no upper case of its own.
      .toLowerCase()
      .toUpperCase()
      .toLowerCase(),
  )
    .replace(/ς/g, 'σ')
    .replace(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter)
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .trim();

const keyOf = (name: string): string => Array.from(fold(name)).slice(0, LENGTH).join('');

interface Named {
  id: number;
  first_name: string;
  last_name: string;
}

/** Names are searched without regard to accents, and as a whole: `ada love` finds Ada Lovelace. The columns hold both orders. */
export class FoldedNames1764560000000 implements MigrationInterface {
  name = 'FoldedNames1764560000000';

  up(runner: QueryRunner): Promise<void> {
    return this.setKeys(runner, ({ first_name, last_name }) => [
      keyOf(`${first_name} ${last_name}`),
      keyOf(`${last_name} ${first_name}`),
    ]);
  }

  down(runner: QueryRunner): Promise<void> {
    const before = (name: string): string => name.normalize('NFKC').toLowerCase().slice(0, LENGTH);
    return this.setKeys(runner, ({ first_name, last_name }) => [before(first_name), before(last_name)]);
  }

  private async setKeys(runner: QueryRunner, keysOf: (person: Named) => [string, string]): Promise<void> {
    for (let last = 0; ;) {
      // Erased users have no keys, and are not found.
      const people = (await runner.query(
        `SELECT id, first_name, last_name FROM users WHERE id > ? AND erased_at IS NULL ORDER BY id LIMIT ${CHUNK}`,
        [last],
      )) as Named[];
      if (people.length === 0) return;
      const keys = people.map(keysOf);
      const ids = people.map(({ id }) => id);
      const choice = `CASE id ${'WHEN ? THEN ? '.repeat(people.length)}END`;
      await runner.query(
        `UPDATE users SET first_name_key = ${choice}, last_name_key = ${choice} WHERE id IN (${ids.map(() => '?').join()})`,
        [...([0, 1] as const).flatMap((which) => ids.flatMap((id, i) => [id, keys[i]![which]])), ...ids],
      );
      last = ids.at(-1)!;
    }
  }
}
