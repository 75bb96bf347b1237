import { expect, it } from 'vitest';
import { chunks, PER_STATEMENT } from '../../src/database/chunks.js';

it('gives all rows once, in their order, and no chunk that is empty or too large', () => {
  expect([...chunks([], 2)]).toEqual([]);
  expect([...chunks([1, 2], 2)]).toEqual([[1, 2]]);
  expect([...chunks([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  const rows = Array.from({ length: 2 * PER_STATEMENT + 1 }, (_, i) => i);
  expect([...chunks(rows)].map(({ length }) => length)).toEqual([PER_STATEMENT, PER_STATEMENT, 1]);
});

it('gives chunks that may be sorted without touching the rows', () => {
  const rows = [3, 1, 2];
  for (const chunk of chunks(rows, 2)) chunk.sort();
  expect(rows).toEqual([3, 1, 2]);
});
