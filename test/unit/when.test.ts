// When a mail was written, in words.
import { expect, it } from 'vitest';
import { whenInWords } from '../../src/mail/when.js';

it.each([
  ['2026-11-26T14:30:00', 'just now'],
  ['2026-11-26T14:29:30', 'just now'],
  // A clock that was set back.
  ['2026-11-26T14:31:00', 'just now'],
  ['2026-11-26T14:28:30', 'a minute ago'],
  ['2026-11-26T14:18:00', '12 minutes ago'],
  ['2026-11-26T13:30:00', 'today, 13:30'],
  ['2026-11-26T00:05:00', 'today, 00:05'],
  ['2026-11-25T18:02:00', 'yesterday, 18:02'],
  ['2026-11-24T09:05:00', '24 November, 09:05'],
  ['2025-12-31T23:59:00', '31 December 2025, 23:59'],
])('%s is %s', (then, words) => {
  expect(whenInWords(new Date(then), new Date('2026-11-26T14:30:00'))).toBe(words);
});
