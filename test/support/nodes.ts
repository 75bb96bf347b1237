import { loadConfig } from '../../src/config/config.js';
import { LoneNode } from '../../src/cluster/node-bus.js';
import { Metrics } from '../../src/common/metrics.js';
import { Database } from '../../src/database/data-source.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { temporaryFolder } from './app.js';

/** One of many, to whom nobody answers: for tests of what rows alone decide. */
export class DeafNode extends LoneNode {
  override readonly isShared = true as never;

  constructor(override readonly nodeId: never) {
    super();
  }
}

export const deafNode = (nodeId: number): DeafNode => new DeafNode(nodeId as never);

/** The variables of a node that shares this database. */
export const nodeEnvironment = (databaseUrl: string, redisUrl = 'redis://127.0.0.1:1'): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  SMTP_URL: 'smtp://127.0.0.1:1',
  JWT_SECRET: 'a secret for tests, longer than 32 bytes',
  PUBLIC_URL: 'http://localhost:3000',
  DATA_DIR: temporaryFolder(),
  WEB_CLIENT: 'off',
});

/** A database as the start of a server opens it. */
export async function openDatabase(env: Record<string, string>): Promise<Database> {
  const config = loadConfig(env);
  return Database.open(config, await dataSourceOptions(config));
}

export const unitOfWorkOf = (database: Database, env: Record<string, string>): UnitOfWork =>
  new UnitOfWork(database, new Metrics(loadConfig(env)));
