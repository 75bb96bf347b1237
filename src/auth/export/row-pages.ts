import { setImmediate as nextTurn } from 'node:timers/promises';

/** Rows of one query: a millisecond or two on SQLite, for which everything else waits. */
export const PAGE = 500;

/** All rows, in pages of at most `size`. @param next asks for those behind a row, or for the first */
export async function* rowPages<Row>(
  next: (last: Row | undefined, size: number) => Promise<Row[]>,
  size = PAGE,
): AsyncGenerator<Row[]> {
  for (let last: Row | undefined; ;) {
    const rows = await next(last, size);
    if (rows.length > 0) yield rows;
    if (rows.length < size) return;
    last = rows.at(-1);
    await nextTurn();
  }
}

/** As a list in JSON, one of them in a line. */
export async function* asList(pages: AsyncIterable<object[]>): AsyncGenerator<string> {
  let before = '[\n  ';
  for await (const page of pages) {
    yield before + page.map((one) => JSON.stringify(one)).join(',\n  ');
    before = ',\n  ';
  }
  yield before === ',\n  ' ? '\n]\n' : '[]\n';
}

/** As JSON lines. */
export async function* asLines(pages: AsyncIterable<object[]>): AsyncGenerator<string> {
  for await (const page of pages) if (page.length > 0) yield page.map((one) => `${JSON.stringify(one)}\n`).join('');
}
