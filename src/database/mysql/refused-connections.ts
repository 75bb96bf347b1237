import { Logger } from '@nestjs/common';
import type { Pool, PoolConnection } from 'mysql2';
import type { DatabaseUrl } from '../../config/database-url.js';
import { mysqlProblem, oneLine } from '../start-problem.js';

/** Shortest time between two equal lines: while a server refuses connections, each statement asks for one. */
const SAY_EVERY_MS = 10_000;

/** Logs why the pool gets no connection, with the sentences of a start that fails: callers get only `unavailable`. */
export function reportRefusals(pool: Pool, url: DatabaseUrl): void {
  const logger = new Logger('Database');
  let said = '';
  let saidAt = -Infinity;
  const take = pool.getConnection.bind(pool);
  pool.getConnection = (done) =>
    take((error, connection: PoolConnection) => {
      if (error) {
        const line = mysqlProblem(error, url)?.message ?? `The database gives no connection: ${oneLine(error)}.`;
        const now = performance.now();
        if (line !== said || now > saidAt + SAY_EVERY_MS) {
          [said, saidAt] = [line, now];
          logger.error(line);
        }
      }
      done(error, connection);
    });
}
