/** What is stored in one column of one row: the same on all databases. Moments are texts, booleans are 0 and 1. */
export type Cell = null | number | bigint | string | Buffer;
export type CopiedRow = readonly Cell[];

/** A table as the database itself describes it. */
export interface TableShape {
  name: string;
  /** In alphabetical order: the order in a table depends on how it came to its columns. */
  columns: readonly string[];
  /** Those of the primary key, in its order. */
  key: readonly string[];
}

/** All tables of a database, to be read as they are at one moment. */
export interface TableSource {
  tables(): Promise<TableShape[]>;
  /** The rows in the order of the primary key, in batches of some hundred. Only one table at a time. */
  rows(table: TableShape): AsyncGenerator<CopiedRow[]>;
  /** By table, the highest number that it has ever counted up to: also that of a row which is gone is never given again. */
  counters(): Promise<Map<string, number>>;
  close(): Promise<void>;
}

/** Empty tables that are filled. */
export interface TableTarget extends TableSource {
  put(table: TableShape, rows: readonly CopiedRow[]): Promise<void>;
  setCounter(table: string, highest: number): Promise<void>;
}

/** Made by migrations on every database, or of processes that run right now. */
const NOT_COPIED = new Set(['migrations', 'schema_floors', 'leases', 'typeorm_metadata']);

export const isCopied = ({ name }: Pick<TableShape, 'name'>): boolean => !NOT_COPIED.has(name);

const ROWS_AT_ONCE = 500;
/** UTF-16 units, about: much smaller than the largest packet that a server takes. */
const UNITS_AT_ONCE = 1_000_000;

const unitsOf = (row: CopiedRow): number =>
  row.reduce<number>((sum, cell) => sum + (typeof cell === 'string' || Buffer.isBuffer(cell) ? cell.length : 8), 0);

/** Batches of bounded size. */
export async function* inBatches(rows: AsyncIterable<CopiedRow> | Iterable<CopiedRow>): AsyncGenerator<CopiedRow[]> {
  let batch: CopiedRow[] = [];
  let units = 0;
  for await (const row of rows) {
    batch.push(row);
    units += unitsOf(row);
    if (batch.length < ROWS_AT_ONCE && units < UNITS_AT_ONCE) continue;
    yield batch;
    [batch, units] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}
