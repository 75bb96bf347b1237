import { describe, expect, it } from 'vitest';
import { asDomainError } from '../../src/common/errors.js';
import type { DatabaseUrl } from '../../src/config/database-url.js';
import { mysqlProblem } from '../../src/database/start-problem.js';
import { isServerError } from '../../src/common/lost-connection.js';

const failed = (code: string, sqlState?: string): Error => Object.assign(new Error(code), { code, sqlState });

describe('what the database fails with', () => {
  it.each([
    // Another transaction was first.
    ['ER_LOCK_DEADLOCK', '40001', 'busy'],
    ['ER_TRANSACTION_ROLLBACK_DURING_COMMIT', '40000', 'busy'],
    ['ER_LOCK_WAIT_TIMEOUT', 'HY000', 'busy'],
    // The server is away, or no member of its cluster, or not the one that takes writes.
    ['ER_UNKNOWN_COM_ERROR', '08S01', 'unavailable'],
    ['ER_ERROR_DURING_COMMIT', 'HY000', 'unavailable'],
    ['ER_RUN_HOOK_ERROR', 'HY000', 'unavailable'],
    ['ER_SERVER_OFFLINE_MODE', 'HY000', 'unavailable'],
    ['ER_OPTION_PREVENTS_STATEMENT', 'HY000', 'unavailable'],
    ['ER_READ_ONLY_MODE', 'HY000', 'unavailable'],
    ['ERR_STREAM_WRITE_AFTER_END', undefined, 'unavailable'],
  ])('%s (%s) is answered as %s', (code, sqlState, answer) => {
    expect(asDomainError(failed(code, sqlState))?.code).toBe(answer);
    // As TypeORM wraps it.
    expect(asDomainError({ driverError: failed(code, sqlState) })?.code).toBe(answer);
  });

  it.each([
    ['ER_LOCK_WAIT_TIMEOUT', 'HY000', 'Start Parley again.'],
    ['ER_LOCK_DEADLOCK', '40001', 'Start Parley again.'],
    ['ER_UNKNOWN_COM_ERROR', '08S01', 'no majority'],
  ])('%s ends a start with a line that says what to do', (code, sqlState, sentence) => {
    const url = { host: 'db', port: 3306, database: 'parley', sslMode: 'PREFERRED' } as DatabaseUrl;
    expect(mysqlProblem(failed(code, sqlState), url)?.message).toContain(sentence);
  });

  it('is a mistake of ours otherwise', () => expect(asDomainError(failed('ER_PARSE_ERROR', '42000'))).toBeUndefined());

  it.each(['ER_ERROR_DURING_COMMIT', 'ER_RUN_HOOK_ERROR', 'ER_UNKNOWN_COM_ERROR'])(
    'leaves it unknown whether a COMMIT was carried out: %s',
    (code) => expect(isServerError(failed(code, code === 'ER_UNKNOWN_COM_ERROR' ? '08S01' : 'HY000'))).toBe(false),
  );
});
