import { driverCode, isReadOnly } from '../common/lost-connection.js';

const DUPLICATE = new Set(['ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);

/** Another row has the same unique key. */
export const isDuplicate = (error: unknown): boolean => DUPLICATE.has(driverCode(error));

const OUT_OF_ORDER = new Set(['ER_DISK_FULL', 'ER_RECORD_FILE_FULL', 'ER_OUT_OF_RESOURCES']);

/** The database answers, but nobody can write: its disk is full, say. */
export const isDatabaseDegraded = (error: unknown): boolean =>
  OUT_OF_ORDER.has(driverCode(error)) ||
  isReadOnly(error) ||
  /^SQLITE_(FULL|IOERR|BUSY|READONLY|CANTOPEN)/.test(driverCode(error));
