import { driverCode, isReadOnly } from '../common/lost-connection.js';

const DUPLICATE = new Set(['ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);
const DEADLOCK = new Set(['ER_LOCK_DEADLOCK', 'ER_CHECKREAD']);

/** The transaction waited too long for a lock. It is rolled back; another try would wait for as long again. */
export const isLockTimeout = (error: unknown): boolean => driverCode(error) === 'ER_LOCK_WAIT_TIMEOUT';

/** Another row has the same unique key. */
export const isDuplicate = (error: unknown): boolean => DUPLICATE.has(driverCode(error));

/** A deadlock: this transaction is rolled back, and the next try may succeed. */
export const isDeadlock = (error: unknown): boolean => DEADLOCK.has(driverCode(error));

const OUT_OF_ORDER = new Set(['ER_DISK_FULL', 'ER_RECORD_FILE_FULL', 'ER_OUT_OF_RESOURCES']);

/** The database answers, but nobody can write: its disk is full, say. */
export const isDatabaseDegraded = (error: unknown): boolean =>
  OUT_OF_ORDER.has(driverCode(error)) ||
  isReadOnly(error) ||
  /^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN)/.test(driverCode(error));
