/** The driver's own code of an error that TypeORM wrapped: `ER_DUP_ENTRY`, `SQLITE_CONSTRAINT_UNIQUE`, `ECONNRESET`. */
export const driverCode = (error: unknown): string =>
  String(
    (error as { driverError?: { code?: string } } | null)?.driverError?.code ??
      (error as { code?: string } | null)?.code ??
      '',
  );

const DUPLICATE = new Set(['ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);
const DEADLOCK = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD']);
const LOST = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_CONNECTION_KILLED',
  'ER_QUERY_INTERRUPTED',
]);

/** Another row has the same key. */
export const isDuplicate = (error: unknown): boolean => DUPLICATE.has(driverCode(error));

/** Another transaction was in the way. A duplicate counts: two made the same row at once, and the next try finds it. */
export const isWorthRepeating = (error: unknown): boolean => DEADLOCK.has(driverCode(error)) || isDuplicate(error);

/** The database server is away, or went away. */
export const isLostConnection = (error: unknown): boolean =>
  LOST.has(driverCode(error)) || /closed state|connection is closed/i.test((error as Error | null)?.message ?? '');
