import { type DynamicModule, Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Config } from '../config/config.js';
import { Database } from './data-source.js';
import { dataSourceOptions } from './data-source-options.js';
import { WalScrubber } from './sqlite/wal-scrubber.js';
import { UnitOfWork } from './unit-of-work.js';

/** The database, migrated and locked for this process, and the UnitOfWork that everything reads and writes through. */
@Module({})
export class DatabaseModule {
  static with(config: Config): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: async () => ({
            ...(await dataSourceOptions(config)),
            autoLoadEntities: true,
            // Trying again mends neither a wrong URL nor a lock that is taken: fail at once.
            toRetry: () => false,
          }),
          dataSourceFactory: (options) => Database.open(config, options!),
        }),
      ],
      providers: [{ provide: Database, useExisting: getDataSourceToken() }, UnitOfWork, WalScrubber],
      exports: [UnitOfWork, WalScrubber],
    };
  }
}
