import type { DataSource } from 'typeorm';
import { VERSION } from '../common/version.js';
import { type KnownMigration, nameOf, unlessNoTable } from './schema-floors.js';

/** Which migrations have made the tables. */
export interface SchemaState {
  /** Names, oldest first; none where there are no tables yet. */
  done: string[];
  /** Those of this program that have not run. */
  pending: KnownMigration[];
  /** Names that this program does not know: those of a newer one. */
  unknown: string[];
}

/** Changes nothing, not even where there are no tables yet. */
export async function schemaState(source: DataSource): Promise<SchemaState> {
  const rows = await unlessNoTable(source.query<{ name: string }[]>('SELECT name FROM migrations ORDER BY id'));
  const done = rows.map(({ name }) => name);
  const ran = new Set(done);
  const known = new Set(source.migrations.map(nameOf));
  return {
    done,
    pending: source.migrations.filter((migration) => !ran.has(nameOf(migration))),
    unknown: done.filter((name) => !known.has(name)),
  };
}

/** What operators are told where a program beside which this one may run has changed the tables. Two may have the same version meanwhile. */
export const newerTables = (unknown: readonly string[]): string =>
  `A newer Parley has changed the tables: their last migration is ${unknown.at(-1)}, which this one (${VERSION}) does not know.`;
