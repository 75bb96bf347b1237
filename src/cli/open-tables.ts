import type { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { noDatabase } from '../config/data-folder.js';
import { UnfinishedCopy } from '../database/copy/unfinished.js';
import { openToRead } from '../database/open-to-read.js';
import { refusalOf } from '../database/schema-floors.js';
import { newerTables, type SchemaState, schemaState } from '../database/schema-state.js';
import { placeOf } from './checks/database.js';
import { CommandError } from './failure.js';

/** What a command does with tables that a newer program has changed. */
export interface BesideNewer {
  /** As a server: not where no server of this version starts. What only reads goes on, and says so. */
  refuses: boolean;
  /** What it means for what the command does, as a sentence. */
  meaning: string;
  warn: (sentence: string) => void;
}

type At = Pick<Config, 'dataDir' | 'databaseUrl'>;

/** Opens the database to look at it, where its tables are those of this program. The caller destroys it. @throws as `openAnyTables` */
export async function openTables(config: At, newer: BesideNewer): Promise<DataSource> {
  const { source, state } = await openAnyTables(config, newer);
  if (state.pending.length === 0) return source;
  await source.destroy();
  throw new CommandError('The tables are older than this program. Run first: parley migrate');
}

/**
 * The same, where they may also be older.
 * @throws CommandError, StartError, ConfigError where there are none, a copy into them broke off, or a newer program needs them for itself
 */
export async function openAnyTables(
  config: At,
  newer: BesideNewer,
): Promise<{ source: DataSource; state: SchemaState }> {
  const source = await openToRead(config);
  if (!source) throw noDatabase(config);
  try {
    await heedRefusal(source, newer);
    const state = await schemaState(source);
    if (state.done.length === 0)
      throw new CommandError(
        `There are no tables in ${placeOf(config)}: the database is empty. The first start makes them, where it is the right one; if it held a community, restore a backup.`,
      );
    if (state.unknown.length > 0) newer.warn(`${newerTables(state.unknown)} ${newer.meaning}`);
    return { source, state };
  } catch (error) {
    await source.destroy();
    throw error;
  }
}

/** @throws StartError where no server of this version starts on the tables, and the command does not either */
export async function heedRefusal(
  source: DataSource,
  { refuses, warn }: Pick<BesideNewer, 'refuses' | 'warn'>,
): Promise<void> {
  const refusal = await refusalOf(source);
  if (!refusal) return;
  if (refuses || refusal instanceof UnfinishedCopy) throw refusal;
  warn(refusal.message);
}
