import type { DataSource, EntityManager, MigrationInterface } from 'typeorm';
import { driverCode } from '../common/lost-connection.js';
import { StartError } from '../common/start-error.js';
import { VERSION } from '../common/version.js';
import { UNFINISHED, UnfinishedCopy } from './copy/unfinished.js';
import { insertRows } from './dialect.js';

/** A migration that says nothing else may have been made under any program, since the first release. */
const FIRST_RELEASE = '0.1.0';

/** A migration, as this program knows it. */
export interface KnownMigration extends MigrationInterface {
  /**
   * The oldest version that may run on the tables once this migration has begun. It is stored with them, and an older program refuses to start
   * on them: it cannot know the migration itself. Where there are many nodes, those of the version before run until they are replaced.
   */
  oldestBeside?: string;
}

const isNoTable = (error: unknown): boolean =>
  driverCode(error) === 'ER_NO_SUCH_TABLE' || /no such table/.test(String(error));

/** What `query` finds; nothing where its table is not made yet. */
export const unlessNoTable = <T>(query: Promise<T[]>): Promise<T[]> =>
  query.catch((error: unknown) => {
    if (isNoTable(error)) return [];
    throw error;
  });

/** @throws StartError where the tables were changed by a program beside which this one must not run */
export async function assertNotTooOld(source: DataSource, version = VERSION): Promise<void> {
  const refusal = await refusalOf(source, version);
  if (refusal) throw refusal;
}

/** Why no server of this version starts on the tables; undefined where one does. */
export async function refusalOf(source: DataSource, version = VERSION): Promise<StartError | undefined> {
  const floors = await unlessNoTable(
    source.query<{ migration: string; oldest_program: string }[]>(
      'SELECT migration, oldest_program FROM schema_floors',
    ),
  );
  if (floors.some(({ migration }) => migration === UNFINISHED.migration)) return new UnfinishedCopy();
  const oldest = floors.map((row) => row.oldest_program).reduce(newer, FIRST_RELEASE);
  if (newer(oldest, version) === version) return undefined;
  return new StartError(
    `This is Parley ${version}, and the tables were changed by a newer one: they need Parley ${oldest} or newer. Start that, or restore a backup from before.`,
  );
}

/** Stores what these migrations ask of programs. Before they run: from their first statement on, an older program may fail. */
export async function storeFloors(tx: EntityManager, migrations: readonly KnownMigration[]): Promise<void> {
  const stored = await tx.query<{ migration: string }[]>('SELECT migration FROM schema_floors');
  const known = new Set(stored.map(({ migration }) => migration));
  const rows = migrations
    .map((migration) => [nameOf(migration), migration.oldestBeside ?? FIRST_RELEASE])
    .filter(([name]) => !known.has(name!));
  if (rows.length > 0) await insertRows(tx, 'schema_floors', 'migration, oldest_program', rows);
}

/** As table `migrations` has it. */
export const nameOf = (migration: MigrationInterface): string => migration.name ?? migration.constructor.name;

/** The newer of two versions, which are numbers with dots; what stands behind a hyphen does not count. */
function newer(one: string, other: string): string {
  const [a, b] = [one, other].map((version) => version.split('-')[0]!.split('.').map(Number));
  for (const [i, number] of a!.entries()) {
    const difference = number - (b![i] ?? 0);
    if (difference !== 0) return difference > 0 ? one : other;
  }
  return other;
}
