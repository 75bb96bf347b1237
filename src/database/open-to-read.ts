import { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { lookAtDatabase } from '../config/data-folder.js';
import { mysqlOptions, sqliteOptions } from './data-source-options.js';

/**
 * Opens the database to look at it, also while a server runs: it takes no lock, and can change nothing. The caller destroys it.
 * @returns undefined where the embedded database is not made yet
 * @throws StartError, ConfigError where the operator can mend it
 */
export async function openToRead(config: Pick<Config, 'dataDir' | 'databaseUrl'>): Promise<DataSource | undefined> {
  if (!config.databaseUrl) {
    if (lookAtDatabase(config) === 'none') return undefined;
    return new DataSource(sqliteOptions(config, { readonly: true })).initialize();
  }
  // One connection, so that what is set on it holds for every statement.
  const source = await new DataSource(await mysqlOptions(config.databaseUrl, 1)).initialize();
  await source.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  return source;
}
