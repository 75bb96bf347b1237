import { describe, expect, it } from 'vitest';
import { canonicalEmoji } from '../../src/common/text/emoji.js';

describe('an emoji', () => {
  it.each([
    ['👍', '👍'],
    ['👍\uFE0F', '👍'],
    ['❤', '❤\uFE0F'],
    ['❤\uFE0F', '❤\uFE0F'],
    ['❤\uFE0F\uFE0F', '❤\uFE0F'],
    ['☕', '☕'],
    ['1\u20E3', '1\uFE0F\u20E3'],
    ['#\uFE0F\u20E3', '#\uFE0F\u20E3'],
    ['🏳\u200D🌈', '🏳\uFE0F\u200D🌈'],
    ['👁\u200D🗨', '👁\uFE0F\u200D🗨\uFE0F'],
    ['👩\u200D❤\u200D👨', '👩\u200D❤\uFE0F\u200D👨'],
    ['🕵🏻\u200D♂', '🕵🏻\u200D♂\uFE0F'],
    ['👩🏻\u200D❤\uFE0F\u200D💋\u200D👨🏼', '👩🏻\u200D❤\uFE0F\u200D💋\u200D👨🏼'],
    ['🇩🇪', '🇩🇪'],
    [
      '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}',
      '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}',
    ],
  ])('%s has one spelling', (sent, stored) => {
    expect(canonicalEmoji(sent)).toBe(stored);
    expect(canonicalEmoji(stored)).toBe(stored);
  });

  it.each([
    '',
    ' ',
    'a',
    '1',
    '#',
    '\uFE0F',
    '\u200D',
    '👍👍',
    '👍 ',
    ' 👍',
    '🇩',
    '🇽🇽',
    '❤\uFE0E',
    '👍🏻🏻',
    '🏻👍',
    '👍\n',
    '\ud83d',
    '👍'.repeat(10_000),
  ])('%j is none', (text) => expect(canonicalEmoji(text)).toBeUndefined());

  it('has the same spelling with and without U+FE0F, whichever it is, and fits into its column', () => {
    const shown = new RegExp('^\\p{RGI_Emoji}$', 'v');
    let count = 0;
    for (let code = 0x23; code <= 0x1faff; code++) {
      const one = String.fromCodePoint(code);
      const rgi = [one, `${one}\uFE0F`].filter((text) => shown.test(text));
      if (rgi.length === 0) continue;
      count++;
      expect(rgi).toHaveLength(1);
      for (const spelled of [one, `${one}\uFE0F`]) expect(canonicalEmoji(spelled)).toBe(rgi[0]);
      for (const tone of ['🏻', '🏿']) if (shown.test(one + tone)) expect(canonicalEmoji(one + tone)).toBe(one + tone);
    }
    expect(count).toBeGreaterThan(1_200);
  });
});
