import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Config } from '../config/config.js';
import { dataSourceOptions, openDataSource, sqliteOptions } from './data-source.js';
import { DatabaseLock, lockDataDir, type Lock } from './single-process-lock.js';
import { READER, UnitOfWork } from './unit-of-work.js';

/** Closes what the TypeORM module does not know of. */
@Injectable()
class DatabaseShutdown implements OnApplicationShutdown {
  constructor(
    private readonly writer: DataSource,
    @Inject(READER) private readonly reader: DataSource,
    @Inject('lock') private readonly lock: { held?: Lock },
  ) {}

  async onApplicationShutdown(): Promise<void> {
    if (this.reader !== this.writer && this.reader.isInitialized) await this.reader.destroy();
    await this.lock.held?.release();
  }
}

/** The database, migrated and locked for this process, and the UnitOfWork that everything writes through. */
@Module({})
export class DatabaseModule {
  static with(config: Config): DynamicModule {
    const lock: { held?: Lock } = {};
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: async () => ({
            ...(await dataSourceOptions(config)),
            autoLoadEntities: true,
            // A wrong URL or a lock that is taken does not get better by trying: say so at once.
            toRetry: () => false,
          }),
          dataSourceFactory: async (options) => {
            lock.held = config.databaseUrl ? await DatabaseLock.take(config.databaseUrl) : await lockDataDir(config);
            return openDataSource(options!).catch(async (error: unknown) => {
              await lock.held?.release();
              throw error;
            });
          },
        }),
      ],
      providers: [
        {
          provide: READER,
          inject: [DataSource],
          useFactory: async (writer: DataSource) => {
            if (config.databaseUrl) return writer;
            const options = { ...sqliteOptions(config, { readonly: true }), entities: writer.options.entities };
            return new DataSource(options as DataSourceOptions).initialize();
          },
        },
        { provide: 'lock', useValue: lock },
        DatabaseShutdown,
        UnitOfWork,
      ],
      exports: [UnitOfWork],
    };
  }
}
