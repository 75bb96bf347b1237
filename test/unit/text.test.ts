// What counts as something to see.
import { expect, it } from 'vitest';
import { isVisible } from '../../src/common/text/text.js';

it.each([
  '',
  ' \t\n\u00a0\u3000\u2028',
  '\0\u0007\u009f',
  '\u200b\u200c\u200d\u2060\ufeff',
  '\u00ad\u034f\u061c\u180e',
  '\u2061\u2062\u2063\u2064\u202e\u2069',
  '\ufe0f\u{e0100}\u{e0041}',
  '\u115f\u1160\u3164\uffa0',
  '\u17b4\u17b5\u{16fe4}',
  '\u2800\u2800',
  '\u{1d159}\u{1d173}',
  '\u{13441}\u{13442}',
  '\ufff9\ufffa\ufffb\ufffc',
  '\ufffe\uffff\u{10ffff}',
  '\u0301\u20dd',
  '\ud800',
])('sees nothing in %j', (text) => expect(isVisible(text)).toBe(false));

it.each([
  '.',
  'a\u200b',
  'é',
  'e\u0301',
  '李',
  'अ',
  '👨\u200d👩\u200d👧',
  '❤\ufe0f',
  '1\ufe0f\u20e3',
  '🇩🇪',
  '\uf8ff',
  // Not assigned yet.
  '\u{1faff}',
])('sees something in %j', (text) => expect(isVisible(text)).toBe(true));
