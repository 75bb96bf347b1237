import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oneLine } from '../src/text/one-line.js';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 2_000 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        ' ',
        '\n',
        '\r',
        '\u2028',
        '*',
        '_',
        '`',
        '~',
        '> ',
        '- ',
        '1. ',
        '```\n',
        '|',
        '[',
        '](',
        ')',
        '#',
        '😀',
        '\\',
      ),
      { maxLength: 2_000 },
    )
    .map((pieces) => pieces.join('')),
);

describe('a message in one line', () => {
  it.each([
    ['Can machines think?', 'Can machines think?'],
    ['one\ntwo\n\nthree', 'one two three'],
    ['**bold** _and_ ~~gone~~ `code`', 'bold and gone code'],
    ['snake_case_name, 5 * 3 * 2, ¯\\_(ツ)_/¯', 'snake_case_name, 5 * 3 * 2, ¯\\_(ツ)_/¯'],
    ['> said\n\nanswered', 'said answered'],
    ['- one\n- two\n  - three', 'one two three'],
    ['1. one\n2. two', '1. one 2. two'],
    ['See:\n```js\nconst a = 1;\n```', 'See: const a = 1;'],
    ['[here](https://a.example) ![moth](https://a.example/m.png)', 'here moth'],
    ['# no heading', '# no heading'],
    ['<b>no HTML</b> &amp; all', '<b>no HTML</b> &amp; all'],
    ['-', '-'],
    ['> ', '>'],
    ['```', '```'],
    ['> - '.repeat(3) + 'a', 'a'],
    ['   ', ''],
    ['', ''],
  ])('is, of %j, %j', (written, line) => {
    expect(oneLine(written)).toBe(line);
  });

  it('reads of the bot what only the bot says', () => {
    expect(oneLine('## Head\n\n---\n\n|a|b|\n|-|-|\n|c|d|\n\n1\\. e', true)).toBe('Head a b c d 1. e');
  });

  it('is short, has no breaks and no half of a sign', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (written, isBot) => {
        const line = oneLine(written, isBot);
        expect(line.length).toBeLessThanOrEqual(160);
        expect(line).not.toMatch(/[\n\r\u2028\u2029]|[\uD800-\uDBFF]$/);
      }),
    );
    expect(oneLine(`${'a'.repeat(159)}😀`)).toBe('a'.repeat(159));
  });

  it('does no more work for a longer text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 640, maxLength: 640 }), text, (beginning, more) => {
        expect(oneLine(beginning + more)).toBe(oneLine(beginning));
      }),
    );
  });
});
