/** The row of a query that always gives one, as a count does. */
export function onlyRow<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error('A query that always gives one row gave none.');
  return row;
}
