import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCursor, toPage } from '../../src/common/pages.js';

const encoded = (keys: unknown): string => Buffer.from(JSON.stringify(keys)).toString('base64url');

describe('a page', () => {
  const rows = [1, 2, 3, 4].map((id) => ({ id, name: `n${id}` }));
  const keyOf = ({ name, id }: { id: number; name: string }) => [name, id];

  it('that holds everything leads nowhere', () => {
    expect(toPage(rows, keyOf, 4)).toEqual({ rows });
    expect(toPage([], keyOf, 4)).toEqual({ rows: [] });
  });

  it('that is cut leads on from its last row', () => {
    const { rows: page, cursor } = toPage(rows, keyOf, 3);
    expect(page).toEqual(rows.slice(0, 3));
    expect(readCursor(cursor, ['text', 'number'])).toEqual(['n3', 3]);
  });

  it('leads on whatever its keys are', () => {
    const keys = fc.tuple(fc.string({ unit: 'grapheme' }), fc.maxSafeInteger());
    fc.assert(
      fc.property(keys, (key) => {
        const { cursor } = toPage([1, 2], () => key, 1);
        expect(readCursor(cursor, ['text', 'number'])).toEqual(key);
      }),
    );
  });
});

describe('a cursor', () => {
  it('that is left out starts at the beginning', () => expect(readCursor(undefined, ['number'])).toBeUndefined());

  it('holds a moment', () => {
    const keys = ['2026-02-28 23:59:59.999'];
    expect(readCursor(encoded(keys), ['moment'])).toEqual(keys);
  });

  it.each<[string, string, ('number' | 'text' | 'moment')[]]>([
    ['empty', '', ['number']],
    ['no base64', '%%%', ['number']],
    ['no JSON', Buffer.from('nonsense').toString('base64url'), ['number']],
    ['no list', encoded({ 0: 1, length: 1 }), ['number']],
    ['with too few keys', encoded([1]), ['number', 'number']],
    ['with too many keys', encoded([1, 2]), ['number']],
    ['with a fraction', encoded([1.5]), ['number']],
    ['with a number past 2^53', encoded([2 ** 53]), ['number']],
    ['with a text for a number', encoded(['1']), ['number']],
    ['with half a character', encoded(['\ud800']), ['text']],
    ['with no moment', encoded(['yesterday']), ['moment']],
    ['with a moment and more', encoded(["2026-01-01 00:00:00.000' OR 1"]), ['moment']],
    ['with a day that does not exist', encoded(['2026-02-30 00:00:00.000']), ['moment']],
    ['with a month that does not exist', encoded(['2026-99-01 00:00:00.000']), ['moment']],
    ['with null', encoded([null]), ['text']],
  ])('%s is refused', (_, cursor, kinds) => {
    expect(() => readCursor(cursor, kinds)).toThrow('cursor must be taken from a Link header.');
  });
});
