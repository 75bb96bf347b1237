import { driverCode, isReadOnly } from '../common/lost-connection.js';

const DUPLICATE = new Set(['ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);
const DEADLOCK = new Set(['ER_LOCK_DEADLOCK', 'ER_CHECKREAD']);

/** Another transaction held for long what this one needed. It is undone, and would only wait for as long again. */
export const isLockTimeout = (error: unknown): boolean => driverCode(error) === 'ER_LOCK_WAIT_TIMEOUT';

/** Another row has the same key. */
export const isDuplicate = (error: unknown): boolean => DUPLICATE.has(driverCode(error));

/** Another transaction was in the way: this one is undone, and the next try may pass. */
export const isDeadlock = (error: unknown): boolean => DEADLOCK.has(driverCode(error));

const OUT_OF_ORDER = new Set(['ER_DISK_FULL', 'ER_RECORD_FILE_FULL', 'ER_OUT_OF_RESOURCES']);

/** The database works, but not for anybody right now: its disk is full, say. */
export const isDatabaseDegraded = (error: unknown): boolean =>
  OUT_OF_ORDER.has(driverCode(error)) ||
  isReadOnly(error) ||
  /^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN)/.test(driverCode(error));
