import { Logger } from '@nestjs/common';
import type { Pool, RowDataPacket } from 'mysql2';
import type { DataSource } from 'typeorm';
import { onlyRow } from '../only-row.js';
import { oneLine } from '../start-problem.js';
import { streamOf } from './mysql-internals.js';
import { ASK_FOR_GALERA, SESSION } from './mysql-session.js';

/** Asks on the connection that TypeORM tried the server with, which is not used again: it is older than what `preparePool` sets. */
export const belongsToGalera = (pool: Pool): Promise<boolean> =>
  new Promise((done, failed) =>
    pool.getConnection((error, first) => {
      if (error) return failed(error);
      first.query<({ Value: string } & RowDataPacket)[]>(ASK_FOR_GALERA, (refused, rows) => {
        first.destroy();
        if (refused) failed(refused);
        else done(rows[0]?.Value === 'ON');
      });
    }),
  );

/** Sets up each connection of the pool from now on, and warns of settings of the server with which something would fail, or be lost. */
export async function preparePool(source: DataSource & { isGalera: boolean }, pool: Pool): Promise<void> {
  pool.on('connection', (connection) => {
    const own = SESSION[source.options.type as 'mariadb' | 'mysql'];
    for (const statement of [...SESSION.all, ...own, ...(source.isGalera ? SESSION.galera : [])])
      connection.query(statement, (error: Error | null) => {
        if (!error) return;
        new Logger('Database').error(`A connection is given up, on which \`${statement}\` failed: ${oneLine(error)}.`);
        // Statements that wait behind it on this connection fail with it, before they are sent.
        const lost = { code: 'PROTOCOL_CONNECTION_LOST', fatal: true };
        streamOf(connection).destroy(Object.assign(new Error('The connection could not be set up.'), lost));
      });
  });
  const { most, mostOfUser } = onlyRow(
    await source.query<{ most: number; mostOfUser: number }[]>(
      'SELECT @@max_connections AS most, @@max_user_connections AS mostOfUser',
    ),
  );
  const wanted = source.options.poolSize! + 1;
  if (Math.min(most, mostOfUser || Infinity) < wanted)
    new Logger('Database').warn(
      `The database server gives Parley ${mostOfUser || most} connections, and it may want ${wanted}: raise max_connections (or the user's), or lower DATABASE_POOL.`,
    );
  const [flush] = await source.query<{ Value: string }[]>("SHOW VARIABLES LIKE 'innodb_flush_log_at_trx_commit'");
  if (flush && flush.Value !== '1') {
    new Logger('Database').warn(
      `innodb_flush_log_at_trx_commit is ${flush.Value}: a crash of the database server can lose acknowledged messages. Set it to 1.`,
    );
  }
}
