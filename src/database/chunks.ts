/** Rows of one statement: few enough that none takes long, many enough that thousands of rows are a handful of statements. */
export const PER_STATEMENT = 500;

/** The rows in their order, so many at a time. */
export function* chunks<T>(rows: readonly T[], size = PER_STATEMENT): Generator<T[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size);
}
