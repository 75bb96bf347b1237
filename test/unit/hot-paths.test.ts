// What every message passes, written to be fast: it must say the same as the plain way.
import { expect, it } from 'vitest';
import { textLength } from '../../src/common/text/text.js';
import { isoTime } from '../../src/common/timing/iso-time.js';

it('a text is as long as it has code points, whatever is in it', () => {
  // Letters, pairs, halves of pairs in any order, and what is trimmed.
  const units = ['a', 'ß', '\ud83d', '\ude00', '👍', '\u200d', ' ', '\n', '\ufeff'];
  for (let i = 0; i < 5_000; i++) {
    const length = Math.floor(Math.random() * 8);
    const text = Array.from({ length }, () => units[Math.floor(Math.random() * units.length)]).join('');
    expect(textLength(text), JSON.stringify(text)).toBe(Array.from(text.trim()).length);
  }
});

it('a time is written as Date writes it, however many were asked for before', () => {
  const first = Date.UTC(2026, 10, 28);
  for (const step of [0, 1, 1, 0, 86_400_000])
    for (let i = 0; i < 300; i++) {
      const date = new Date(first + i * step);
      expect(isoTime(date)).toBe(date.toISOString());
    }
});
