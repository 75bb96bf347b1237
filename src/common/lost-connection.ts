/** The driver's code of an error, also of one that TypeORM has wrapped: `ER_DUP_ENTRY`, `SQLITE_FULL`, `ECONNRESET`. */
export const driverCode = (error: unknown): string => {
  const { driverError, code } = (error ?? {}) as { driverError?: { code?: string }; code?: string };
  return driverError?.code ?? code ?? '';
};

const LOST = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  // The other side has just closed it, which the pool does not know yet.
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_DESTROYED',
  'ETIMEDOUT',
  'ECONNABORTED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ER_SERVER_SHUTDOWN',
  'ER_SERVER_OFFLINE_MODE',
  'ER_CON_COUNT_ERROR',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'ER_ACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'ER_SECURE_TRANSPORT_REQUIRED',
  'HANDSHAKE_NO_SSL_SUPPORT',
  'HANDSHAKE_SSL_ERROR',
  'ER_USER_LIMIT_REACHED',
  'ER_CONNECTION_KILLED',
  'ER_QUERY_INTERRUPTED',
  // A server of a cluster that leaves it in the middle of a COMMIT: the others may have carried it out. Galera, Group Replication.
  'ER_ERROR_DURING_COMMIT',
  'ER_RUN_HOOK_ERROR',
]);

const READ_ONLY = new Set([
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_READ_ONLY_MODE',
  'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
]);

/** The server refuses writes: it is a replica, or has become one. */
export const isReadOnly = (error: unknown): boolean => READ_ONLY.has(driverCode(error));

/**
 * The server answers, and refuses all statements: SQLSTATE class 08 is for connection errors. A node of a Galera cluster that has lost its
 * majority answers so (1047, 08S01).
 */
export const isOutOfService = (error: unknown): boolean => sqlStateOf(error)?.startsWith('08') ?? false;

/** The database server is away, went away in the middle of a statement, or refuses all statements. */
export const isLostConnection = (error: unknown): boolean =>
  LOST.has(driverCode(error)) ||
  isOutOfService(error) ||
  /closed state|connection is closed/i.test((error as Error | null)?.message ?? '');

const sqlStateOf = (error: unknown): string | undefined => {
  const { driverError, sqlState } = (error ?? {}) as { driverError?: { sqlState?: string }; sqlState?: string };
  return driverError?.sqlState ?? sqlState;
};

/**
 * A MySQL server itself has answered with this error: the statement is rolled back, and the connection works. After any other error, it is
 * unknown whether the statement was carried out.
 */
export const isServerError = (error: unknown): boolean => sqlStateOf(error) !== undefined && !isLostConnection(error);

const DEADLOCK = new Set(['ER_LOCK_DEADLOCK', 'ER_CHECKREAD', 'ER_TRANSACTION_ROLLBACK_DURING_COMMIT']);

/**
 * A deadlock: this transaction is rolled back, and the next try may succeed. A cluster answers the same, also to a COMMIT, where another of
 * its servers was faster with a row.
 */
export const isDeadlock = (error: unknown): boolean => DEADLOCK.has(driverCode(error));

/** The transaction waited too long for a lock. It is rolled back; another try would wait for as long again. */
export const isLockTimeout = (error: unknown): boolean => driverCode(error) === 'ER_LOCK_WAIT_TIMEOUT';
