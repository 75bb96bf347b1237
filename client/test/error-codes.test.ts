import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/common/error-codes.js';
import { describedCodes } from '../../test/support/protocol-text.js';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** The words of a union in client/src/errors.ts; the compiler holds the server's against its list (wire-types.ts). */
function codesOf(type: 'ServerErrorCode' | 'ClientErrorCode'): string[] {
  const [, union = ''] = new RegExp(`type ${type} =([^;]*);`).exec(read('../src/errors.ts')) ?? [];
  return [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
}

describe('the error codes of the client', () => {
  it("are the server's, and those of docs/protocol.md", () => {
    const codes = codesOf('ServerErrorCode');
    expect(codes).toEqual([...ERROR_CODES]);
    expect(new Set(codes)).toEqual(describedCodes());
  });

  it('of its own are none of the server', () => {
    const own = codesOf('ClientErrorCode');
    expect(own.length).toBeGreaterThan(5);
    expect(own.filter((code) => codesOf('ServerErrorCode').includes(code))).toEqual([]);
  });

  it('each have a row in its README, which says what to do', () => {
    const [, section = ''] = /^## Errors$([\s\S]*?)^## /m.exec(read('../README.md')) ?? [];
    const table = [...section.matchAll(/^\| `(\w+)` +\| (.+) \|$/gm)].map(([, code, cells]) => ({
      code,
      cells,
    }));
    expect(table.map(({ code }) => code).toSorted()).toEqual(
      [...codesOf('ServerErrorCode'), ...codesOf('ClientErrorCode')].toSorted(),
    );
    for (const { cells } of table) expect(cells.split('|')).toHaveLength(2);
  });
});
