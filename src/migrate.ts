// npm run migrate: brings the tables up to date and ends, for starts with MIGRATE_AT_START=off.
import 'reflect-metadata';
import { loadEnvironment } from './config/environment.js';
import { Database, dataSourceOptions } from './database/data-source.js';
import { endWithFailure } from './start-failure.js';

async function migrate(): Promise<void> {
  const config = loadEnvironment();
  const database = await Database.open({ ...config, migrateAtStart: true }, await dataSourceOptions(config));
  await database.destroy();
  console.log('The tables are up to date.');
}

migrate().catch(endWithFailure);
