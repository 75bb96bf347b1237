/** The driver's own code of an error, also of one that TypeORM wrapped: `ER_DUP_ENTRY`, `SQLITE_FULL`, `ECONNRESET`. */
export const driverCode = (error: unknown): string => {
  const { driverError, code } = (error ?? {}) as { driverError?: { code?: string }; code?: string };
  return driverError?.code ?? code ?? '';
};

const LOST = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_CONNECTION_KILLED',
  'ER_QUERY_INTERRUPTED',
]);

/** The database server is away, or went away in the middle. */
export const isLostConnection = (error: unknown): boolean =>
  LOST.has(driverCode(error)) || /closed state|connection is closed/i.test((error as Error | null)?.message ?? '');

/** A MySQL server said this itself, and the connection lived to tell. Anything else says nothing about what became of the statement. */
export const isAnswer = (error: unknown): boolean => {
  const { driverError } = (error ?? {}) as { driverError?: { sqlState?: string } };
  return driverError?.sqlState !== undefined && !isLostConnection(error);
};
