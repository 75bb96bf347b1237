import type { ConnectionOptions, SslOptions } from 'mysql2';
import type { DataSourceOptions } from 'typeorm';
import type { MysqlDataSourceOptions } from 'typeorm/driver/mysql/MysqlDataSourceOptions.js';
import type { Config } from '../config/config.js';
import type { DatabaseUrl } from '../config/database-url.js';
import { connectionOptions } from './mysql/mysql-connection.js';
import { DatabaseLock, lockDataDir, type Lock } from './single-process-lock.js';

/** Those of a connection of our own beside TypeORM's, which is encrypted as they are. */
export const ownConnection = (url: DatabaseUrl, options: DataSourceOptions): ConnectionOptions =>
  connectionOptions(url, (options as MysqlDataSourceOptions).ssl as SslOptions | undefined);

/** Keeps every process without REDIS_URL from the database until it is released. @throws StartError where one is there */
export const takeLock = (
  { databaseUrl: url, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>,
  options: DataSourceOptions,
): Promise<Lock> => (url ? DatabaseLock.take(ownConnection(url, options)) : lockDataDir({ dataDir }));
