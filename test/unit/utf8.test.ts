import { isUtf8 } from 'node:buffer';
import { expect, it } from 'vitest';
import { bytesBegun } from '../../src/common/http/utf8.js';

it('says how much of a piece begins a character that goes on in the next, wherever it is cut', () => {
  const bytes = Buffer.from('aé€👩z');
  const begun = Array.from({ length: bytes.length + 1 }, (_, cut) => bytesBegun(bytes.subarray(0, cut)));
  expect(begun).toEqual([0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 0]);
  begun.forEach((rest, cut) => {
    expect(isUtf8(bytes.subarray(0, cut - rest))).toBe(true);
    expect(isUtf8(bytes.subarray(cut - rest))).toBe(true);
  });
});

it.each([
  ['nothing but what goes on', [0x80, 0x80, 0x80, 0x80]],
  ['more than a character has', [0xc3, 0xa9, 0xa9]],
])('takes %s for whole, and so for wrong', (_, bytes) => {
  expect(bytesBegun(Buffer.from(bytes))).toBe(0);
  expect(isUtf8(Buffer.from(bytes))).toBe(false);
});
