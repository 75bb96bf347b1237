import { isDeepStrictEqual } from 'node:util';
import { type CopiedRow, isCopied, type TableShape, type TableSource, type TableTarget } from './table-store.js';

/** Rows by table. */
export type Counts = Record<string, number>;

/** Two databases are not of the same form, or do not hold the same; the message says where, without what is stored. */
export class CopyError extends Error {}

const told = (shape: TableShape): string => `${shape.name} (${shape.columns.join()}) by ${shape.key.join()}`;

/** The tables of both, where they are the same. @throws CopyError */
async function sameTables(from: TableSource, to: TableSource): Promise<TableShape[]> {
  const [theirs, ours] = [(await from.tables()).filter(isCopied), (await to.tables()).filter(isCopied)];
  const missing = theirs.find((one) => !ours.some((other) => told(one) === told(other)));
  const more = ours.find((one) => !theirs.some((other) => told(one) === told(other)));
  const wrong = missing ?? more;
  if (wrong)
    throw new CopyError(`The tables are not the same in both databases: ${told(wrong)} is in one of them alone.`);
  return theirs;
}

/** Copies all rows and the counters of all tables, under their numbers. @returns how many rows there are */
export async function copyTables(
  from: TableSource,
  to: TableTarget,
  onTable: (name: string) => void = () => {},
): Promise<Counts> {
  const counts: Counts = {};
  for (const table of await sameTables(from, to)) {
    onTable(table.name);
    counts[table.name] = 0;
    for await (const batch of from.rows(table)) {
      await to.put(table, batch);
      counts[table.name]! += batch.length;
    }
  }
  for (const [table, highest] of await from.counters())
    if (table in counts && highest > 0) await to.setCounter(table, highest);
  return counts;
}

/** Reads both from beginning to end, and compares every value. @throws CopyError where they differ */
export async function compareTables(from: TableSource, to: TableSource): Promise<void> {
  for (const table of await sameTables(from, to)) {
    const [ours, theirs] = [singly(from.rows(table)), singly(to.rows(table))];
    try {
      for (;;) {
        const [one, other] = [await ours.next(), await theirs.next()];
        if (one.done && other.done) break;
        if (!isDeepStrictEqual(one.value, other.value))
          throw new CopyError(
            `The copy is not what was copied: ${table.name} differs at ${placeOf(table, one.value ?? other.value)}.`,
          );
      }
    } finally {
      // A statement that was not read to its end keeps its connection.
      for (const rows of [ours, theirs]) await rows.return(undefined);
    }
  }
  const [ours, theirs] = [await from.counters(), await to.counters()];
  for (const [table, highest] of ours)
    if (isCopied({ name: table }) && (theirs.get(table) ?? 0) < highest)
      throw new CopyError(`The copy of ${table} would give a number again that was given.`);
}

/** Rows of a source, one after another. */
async function* singly(batches: AsyncGenerator<CopiedRow[]>): AsyncGenerator<CopiedRow, undefined> {
  for await (const batch of batches) yield* batch;
  return undefined;
}

/** The key of a row: `conversation_id 3, seq 4`. No other column is ever shown. */
const placeOf = ({ columns, key }: TableShape, row: CopiedRow | undefined): string =>
  key.map((name) => `${name} ${String(row?.[columns.indexOf(name)])}`).join(', ');
