import type { Pool } from 'mysql2';

/** One statement on any connection. `pool.query` of mysql2 would replace the callback of a command: see `watched-commands.ts`. */
export const queryOnce = (pool: Pool, sql: string, values?: unknown[]): Promise<unknown> =>
  new Promise((resolve, reject) =>
    pool.getConnection((refused, connection) => {
      if (refused) return reject(refused);
      const release = (): void => connection.release();
      try {
        const done = (error: Error | null, rows: unknown): void => (error ? reject(error) : resolve(rows));
        // Not before its end: a connection that is broken, or given up for what it answered, has left the pool by then.
        connection.query(sql, values, done).once('end', release);
      } catch (error) {
        release();
        reject(error);
      }
    }),
  );
