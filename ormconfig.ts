// For TypeORM's command line: `npm run migration:show`, `migration:run`, `migration:revert`, `migration:generate`.
// It reads what was built, and the same environment as the server.
import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { loadEnvironment } from './dist/config/environment.js';
import { dataSourceOptions } from './dist/database/data-source-options.js';

export default new DataSource({
  ...(await dataSourceOptions(loadEnvironment())),
  entities: ['dist/**/*.entity.js'],
});
