// @vitest-environment happy-dom
import fc from 'fast-check';
import { render } from 'preact';
import { describe, expect, it, vi } from 'vitest';
import { isFewEmoji } from '../src/text/blocks.js';
import { MessageText } from '../src/text/message-text.js';

type Props = Parameters<typeof MessageText>[0];

function drawn(text: string, props: Partial<Props> = {}): HTMLElement {
  const root = document.createElement('div');
  render(<MessageText text={text} isBot={false} {...props} />, root);
  return root;
}
const bot = (text: string): HTMLElement => drawn(text, { isBot: true });
/** Its elements, each with its attributes by the alphabet: their order says nothing. */
const html = (root: Element): string =>
  [...root.childNodes]
    .map((node) => {
      if (!(node instanceof Element)) return node.textContent!.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      const name = node.tagName.toLowerCase();
      const attributes = [...node.attributes].map((one) => ` ${one.name}="${one.value}"`).sort();
      return `<${name}${attributes.join('')}>${html(node)}${name === 'br' || name === 'hr' ? '' : `</${name}>`}`;
    })
    .join('');

/** All that a message may become, and with which attributes. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  a: ['href', 'title', 'target', 'rel'],
  bdi: ['class'],
  blockquote: ['dir'],
  br: [],
  button: ['type', 'class', 'aria-label'],
  code: [],
  del: [],
  div: ['class', 'dir', 'tabindex', 'role', 'aria-label'],
  em: [],
  li: ['value'],
  ol: ['class', 'dir'],
  p: ['dir', 'class'],
  path: ['d'],
  pre: ['tabindex'],
  rect: ['x', 'y', 'width', 'height', 'rx'],
  span: ['class'],
  strong: [],
  svg: ['viewBox', 'aria-hidden'],
  ul: ['class', 'dir'],
  // Of the bot's alone.
  hr: [],
  table: [],
  tbody: [],
  td: ['class'],
  th: ['class'],
  thead: [],
  tr: [],
};
const OF_BOT = new Set(['hr', 'table', 'tbody', 'td', 'th', 'thead', 'tr']);

function expectAllowed(root: HTMLElement, isBot: boolean): number {
  const elements = root.querySelectorAll('*');
  for (const element of elements) {
    const name = element.tagName.toLowerCase();
    const allowed = isBot || !OF_BOT.has(name) ? ALLOWED[name] : undefined;
    expect(allowed, `<${name}>`).toBeDefined();
    for (const { name: attribute, value } of element.attributes) {
      expect(allowed, `<${name} ${attribute}>`).toContain(attribute);
      if (attribute === 'href') expect(value).toMatch(/^(https?|mailto):/);
    }
  }
  return elements.length;
}

/** Signs that mean something to somebody who parses, and letters. */
const PIECES = [
  '* ** *** _ __ ~ ~~ ` `` ``` ~~~ > # ## --- === | |-|-| :-: [ ] ( ) ![ ]( < > </ \\ \\* @ . " \'',
  '<a href=" <script> <!-- --> &amp; &#42; &#x202e; http:// https://a.example/b www. javascript: data: mailto: a@b.example',
  '😀 👩‍👩‍👧‍👦 word Wort слово كلمة 語 é 0 42 😀😀',
]
  .join(' ')
  .split(' ')
  .concat(
    '> ',
    '- ',
    '+ ',
    '* ',
    '1. ',
    '7) ',
    '# ',
    '\n',
    '\n\n',
    '\r\n',
    '  \n',
    '\t',
    '    ',
    ' ',
    '[ ] ',
    '[x] ',
    '[a]: /b',
  )
  .concat('\u202E', '\u200D', '\u0000', '\uD83D');
const markup = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 120 })
  .map((pieces) => pieces.join(''));
const anyText = fc.oneof(
  markup,
  fc.string({ unit: 'binary', maxLength: 400 }),
  // One piece, over and over: what makes parsers slow.
  fc
    .tuple(fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 3 }), fc.nat(400))
    .map(([pieces, times]) => pieces.join('').repeat(times)),
);

/** Words that no markup is made of, each of them once. */
const words = (text: string): string[] => text.match(/[a-z]+\d+/g) ?? [];

describe('the text of a message', () => {
  it.each([
    ['plain words', 'Can machines think?', '<p dir="auto">Can machines think?</p>'],
    ['paragraphs', 'one\n\ntwo', '<p dir="auto">one</p><p dir="auto">two</p>'],
    ['a break', 'one\ntwo', '<p dir="auto">one<br>two</p>'],
    ['strong', 'a **b** __c__', '<p dir="auto">a <strong>b</strong> <strong>c</strong></p>'],
    [
      'emphasis',
      'a *b* _c_ snake_case_name 5 * 3 * 2',
      '<p dir="auto">a <em>b</em> <em>c</em> snake_case_name 5 * 3 * 2</p>',
    ],
    ['what is struck out', '~~no~~', '<p dir="auto"><del>no</del></p>'],
    ['code in a line', 'the `<b>` of `a*b*c`', '<p dir="auto">the <code>&lt;b&gt;</code> of <code>a*b*c</code></p>'],
    [
      'a quote',
      '> one\n> two\n\nthree',
      '<blockquote dir="auto"><p>one<br>two</p></blockquote><p dir="auto">three</p>',
    ],
    ['a list', '- one\n- **two**', '<ul class="md" dir="auto"><li>one</li><li><strong>two</strong></li></ul>'],
    [
      'numbers as they were written',
      '3. c\n7. g',
      '<ol class="md" dir="auto"><li value="3">c</li><li value="7">g</li></ol>',
    ],
    [
      'a year that begins a sentence',
      '1843. A good year',
      '<ol class="md wide" dir="auto"><li value="1843">A good year</li></ol>',
    ],
    ['a list in a list', '- a\n  - b', '<ul class="md" dir="auto"><li>a<ul class="md"><li>b</li></ul></li></ul>'],
    ['boxes as text', '- [ ] to do\n- [x] done', '<ul class="md" dir="auto"><li>[ ] to do</li><li>[x] done</li></ul>'],
    ['emoji alone', '🎉 👍🏽', '<p class="large" dir="auto">🎉 👍🏽</p>'],
  ])('draws %s', (_what, text, expected) => {
    expect(html(drawn(text))).toBe(expected);
  });

  it.each([
    ['no headings', '# one\n## two', '# one\n## two'],
    ['no rules', '***', '***'],
    ['no underlines as headings', 'one\n===\ntwo\n---', 'one\n===\ntwo\n---'],
    ['no tables', '|a|b|\n|-|-|\n|c|d|', '|a|b|\n|-|-|\n|c|d|'],
    ['no code by indenting', 'a\n\n    b *c*', 'a\n    b c'],
    ['no HTML', '<b>bold</b> <script>alert(1)</script> <!-- x -->', '<b>bold</b> <script>alert(1)</script> <!-- x -->'],
    ['no HTML in blocks', '<div>\n<img src=x onerror=alert(1)>\n</div>', '<div>\n<img src=x onerror=alert(1)>\n</div>'],
    ['no definitions', '[a]: /b\n\n[a]', '[a]: /b\n[a]'],
    ['no escapes', '¯\\_(ツ)_/¯ C:\\_x\\', '¯\\_(ツ)_/¯ C:\\_x\\'],
    ['no references', '&amp; &#42;a&#42; &lt;', '&amp; &#42;a&#42; &lt;'],
    ['no list of nothing', '-', '-'],
    ['no list of lines', '- - -', '- - -'],
    ['no quote of nothing', '>', '>'],
    ['no code of nothing', '```', '```'],
    ['a path at the end of a line', 'C:\\\nD:\\', 'C:\\\nD:\\'],
  ])('knows %s of people', (_what, text, shown) => {
    const root = drawn(text);
    const paragraphs = [...root.children].map((block) =>
      [...block.childNodes].map((node) => (node.nodeName === 'BR' ? '\n' : node.textContent)).join(''),
    );
    expect(paragraphs.join('\n')).toBe(shown);
    expectAllowed(root, false);
  });

  it.each([
    ['headings, as bold paragraphs', '## One *two*', '<p dir="auto"><strong>One <em>two</em></strong></p>'],
    ['rules', 'a\n\n---\n\nb', '<p dir="auto">a</p><hr><p dir="auto">b</p>'],
    ['escapes', '1\\. \\*a\\*', '<p dir="auto">1. *a*</p>'],
    [
      'numbers that a model left to others',
      '1. a\n1. b',
      '<ol class="md" dir="auto"><li value="1">a</li><li value="2">b</li></ol>',
    ],
    [
      'tables',
      '|a|b|\n|-|-:|\n|**c**|d|',
      '<div aria-label="Table" class="table" dir="auto" role="region" tabindex="0"><table><thead><tr><th>a</th><th class="to-end">b</th></tr></thead><tbody><tr><td><strong>c</strong></td><td class="to-end">d</td></tr></tbody></table></div>',
    ],
  ])('draws %s of the bot', (_what, text, expected) => {
    expect(html(bot(text))).toBe(expected);
  });

  it('drops no cell of a table: it is shown as it is', () => {
    const text = '|a|b|\n|-|-|\n|c|d|extra|';
    expect(bot(text).textContent).toBe(text);
  });

  it('draws code in a box with its language, which the keyboard reaches and a button copies', () => {
    const root = drawn('See:\n```ts\nconst a = 1;\n\n  *b*\n```\nDone');
    expect(root.querySelector('pre')!.tabIndex).toBe(0);
    expect(root.querySelector('pre')!.textContent).toBe('const a = 1;\n\n  *b*');
    expect(root.querySelector('.code-top span')!.textContent).toBe('ts');
    expect(root.querySelector('button')!.getAttribute('aria-label')).toBe('Copy code');
    expect(root.querySelector('.code')!.getAttribute('dir')).toBe('ltr');
    expect([...root.children].map(({ tagName }) => tagName)).toEqual(['P', 'DIV', 'P']);
  });

  it('puts what belongs to the end behind the last word', () => {
    const end = <span>edited</span>;
    expect(html(drawn('a', { end }))).toBe('<p dir="auto">a<span>edited</span></p>');
    expect(html(drawn('- a\n- b', { end }))).toContain('<li>b<span>edited</span></li>');
    expect(html(drawn('> a', { end }))).toContain('<p>a<span>edited</span></p>');
    expect(drawn('```\na\n```', { end }).querySelector('pre')!.textContent).toBe('aedited');
    for (const text of ['***', '', '|a|\n|-|\n|b|', '#', '> '.repeat(2_000)])
      for (const isBot of [true, false])
        expect(html(drawn(text, { end, isBot })).split('<span>edited</span>'), text).toHaveLength(2);
  });

  it('lets each block have the direction of what it says', () => {
    const root = drawn('قرأتها مرتين\n\nread twice\n\n- مرحبا');
    expect([...root.children].map((block) => block.getAttribute('dir'))).toEqual(['auto', 'auto', 'auto']);
    expect(root.textContent).toBe('قرأتها مرتينread twiceمرحبا');
  });

  it('makes one to three emoji large, and nothing else', () => {
    for (const few of ['🙂', '👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', '🇩🇪', '❤️', '3️⃣', '☝🏽', ' 🎉\n🎉 ']) expect(isFewEmoji(few), few).toBe(true);
    for (const other of ['', ' ', '3', '#', '🙂🙂🙂🙂', '🙂 ok', '©', 'a', '1 2 3', 'é'])
      expect(isFewEmoji(other), other).toBe(false);
  });
});

describe('links', () => {
  const links = (root: HTMLElement) =>
    [...root.querySelectorAll('a')].map((a) => [a.textContent, a.getAttribute('href')]);

  it('open elsewhere, and say nothing of where they were', () => {
    const root = drawn('see https://engine.example/notes/g, www.example.org. or ada@example.org <https://a.example/>');
    expect(links(root)).toEqual([
      ['https://engine.example/notes/g', 'https://engine.example/notes/g'],
      ['www.example.org', 'http://www.example.org/'],
      ['ada@example.org', 'mailto:ada@example.org'],
      ['https://a.example/', 'https://a.example/'],
    ]);
    for (const a of root.querySelectorAll('a')) {
      expect(a.getAttribute('target')).toBe('_blank');
      expect(a.getAttribute('rel')).toBe('noopener noreferrer');
    }
    expect(root.textContent).toBe(
      'see https://engine.example/notes/g, www.example.org. or ada@example.org https://a.example/',
    );
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    '&#106;avascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://a.example/x',
    '/settings',
    '//evil.example',
    'ftp://a.example',
    '',
  ])('are text where they lead to %s', (href) => {
    for (const text of [`[click](${href})`, `![click](${href})`, `<${href}>`, `[click](<${href}>)`]) {
      for (const isBot of [true, false]) {
        const root = drawn(text, { isBot });
        expect(root.querySelectorAll('a'), text).toHaveLength(0);
        expect(root.textContent).toContain(href.split(':')[0]);
      }
    }
  });

  it.each([
    ['见https://a.example/x。谢谢', 'https://a.example/x'],
    ['（https://a.example）', 'https://a.example'],
    ['https://bücher.example/ä, oder', 'https://bücher.example/ä'],
    ['(https://пример.example/a_(b))', 'https://xn--e1afmkfd.example/a_(b)'],
  ])('end where the address does: %s', (text, shown) => {
    expect(links(drawn(text)).map(([said]) => said)).toEqual([shown]);
  });

  it('of the app itself open inside', () => {
    const own = (path: string): Element => drawn(`${location.origin}${path}`).querySelector('a')!;
    for (const path of ['/with/3', '/group/12?at=40', '/helper', '/mentions', '/settings', '/'])
      expect(own(path).hasAttribute('target'), path).toBe(false);
    // A link to a new password is nothing that one should open by mistake.
    for (const path of ['/reset/abc', '/login', '/http/docs', '/nowhere/at/all'])
      expect(own(path).getAttribute('target'), path).toBe('_blank');
  });

  it('are shortened in the middle, but not in the name of the host', () => {
    const long = `https://engine.example/${'a'.repeat(80)}/the-end.txt`;
    const [[text, href]] = links(drawn(long)) as [[string, string]];
    expect(href).toBe(long);
    expect([...text]).toHaveLength(60);
    expect(text).toMatch(/^https:\/\/engine\.example\/a+…a+\/the-end\.txt$/);
    const host = `${'sub.'.repeat(20)}evil.example`;
    expect(drawn(`https://${host}/${'x'.repeat(90)}`).textContent).toContain(host);
  });

  it.each([
    ['[https://bank.example](https://evil.example/x)', 'https://bank.example (evil.example)'],
    ['[bank.example](https://evil.example/x)', 'bank.example (evil.example)'],
    ['[log in at bank.example now](https://evil.example)', 'log in at bank.example now (evil.example)'],
    ['[bank。example](https://evil.example)', 'bank。example (evil.example)'],
    ['[ba\u200Bnk.example](https://evil.example)', 'ba\u200Bnk.example (evil.example)'],
    ['[bank.example](https://bank.example.evil.example)', 'bank.example (bank.example.evil.example)'],
    ['https://bank.example@evil.example/', 'https://bank.example@evil.example/ (evil.example)'],
    ['[ada@bank.example](mailto:eve@evil.example)', 'ada@bank.example (eve@evil.example)'],
    // A Cyrillic а.
    ['[аpple.example](https://аpple.example)', 'аpple.example (xn--pple-43d.example)'],
  ])('say where they lead if the text says otherwise: %s', (text, shown) => {
    expect(drawn(text).textContent).toBe(shown);
  });

  it.each([
    '[here](https://a.example)',
    '[a.example](https://www.a.example/b)',
    '[https://a.example/notes.txt](https://a.example/notes.txt)',
    '[ada](mailto:ada@a.example)',
    '[v1.2](https://a.example)',
  ])('say no more if the text is honest: %s', (text) => {
    expect(drawn(text).querySelector('.leads')).toBeNull();
  });

  it('are written in the letters of the network where scripts are mixed, or something hides', () => {
    expect(drawn('https://аpple.example/a').textContent).toBe('https://xn--pple-43d.example/a');
    expect(drawn('https://a.example/\u202Egpj.exe').textContent).not.toContain('\u202E');
    expect(drawn('https://bücher.example/ä').textContent).toBe('https://bücher.example/ä');
  });

  it('stand for images, which are never loaded', () => {
    const root = drawn('![a moth](https://a.example/moth.png)');
    expect(root.querySelector('img')).toBeNull();
    expect(root.textContent).toBe('a moth https://a.example/moth.png');
    expect(links(root)).toEqual([['https://a.example/moth.png', 'https://a.example/moth.png']]);
  });
});

describe('mentions', () => {
  const ADA = { name: 'Ada Lovelace', isMe: false };
  const FIRST = { name: 'Ada', isMe: false };
  const me = { name: 'Alan', isMe: true };
  const everyone = { name: 'everyone', isMe: true };
  const named = (text: string, ...mentions: Props['mentions'] & object): string => html(drawn(text, { mentions }));
  const ADAS = '<span class="mention">@Ada Lovelace</span>';

  it.each([
    ['at the beginning', '@Ada Lovelace: tea?', `${ADAS}: tea?`],
    ['at the end', 'tea, @Ada Lovelace', `tea, ${ADAS}`],
    ['in brackets', '(@Ada Lovelace)', `(${ADAS})`],
    ['twice', '@Ada Lovelace@Ada Lovelace', `${ADAS}@Ada Lovelace`],
    ['by the first name', '@Ada, tea?', '<span class="mention">@Ada</span>, tea?'],
    ['within emphasis', '**ask @Ada Lovelace**', `<strong>ask ${ADAS}</strong>`],
    ['not in code', '`@Ada Lovelace`', '<code>@Ada Lovelace</code>'],
    ['not behind a letter', 'me@Ada x_@Ada', 'me@Ada x_@Ada'],
    ['not in a longer word', '@Adam @Ada\u0301 @Ada_', '@Adam @Ada\u0301 @Ada_'],
    ['not without the sign', 'Ada Lovelace', 'Ada Lovelace'],
    ['not in other letters', '@ada lovelace', '@ada lovelace'],
  ])('are marked %s', (_what, text, expected) => {
    expect(named(text, FIRST, ADA)).toBe(`<p dir="auto">${expected}</p>`);
  });

  it('of oneself, and of everyone, are marked as such', () => {
    expect(named('@Alan, @everyone', me, everyone)).toBe(
      '<p dir="auto"><span class="mention of-me">@Alan</span>, <span class="mention of-me">@everyone</span></p>',
    );
    // Two who share a first name: one of them is oneself.
    expect(named('@Alan', me, { name: 'Alan', isMe: false })).toContain('class="mention of-me"');
  });

  it('are nobody but those who are named', () => {
    expect(named('@Ada Lovelace and @everyone', me)).toBe('<p dir="auto">@Ada Lovelace and @everyone</p>');
    expect(named('@Ada Lovelace')).toBe('<p dir="auto">@Ada Lovelace</p>');
  });

  it('are no links, and not in links', () => {
    expect(drawn('[@Ada](https://a.example)', { mentions: [FIRST] }).querySelector('.mention')).toBeNull();
  });

  it.each(['Jean-Luc', 'a.*+?^${}()|[]\\/', '<b>', '& co', 'Ada]', '*', '\u05E2\u05D3\u05D4', '', ' '])(
    'are read letter by letter, whatever the name: %j',
    (name) => {
      const root = drawn(`so, @${name}, tea?`, { mentions: [{ name, isMe: false }] });
      expect(root.textContent).toBe(drawn(`so, @${name}, tea?`).textContent);
      expect(root.querySelectorAll('b, a')).toHaveLength(0);
      expect(named('say @abc', { name, isMe: false })).toBe('<p dir="auto">say @abc</p>');
    },
  );

  it('are marked in what is shown as it is, too', () => {
    expect(drawn(`${'> '.repeat(20)}@Ada`, { mentions: [FIRST] }).querySelectorAll('.mention')).toHaveLength(1);
  });

  it('change no word of any text', () => {
    const names = fc.array(
      fc.record({ name: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 3 })), isMe: fc.boolean() }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(anyText, names, (text, mentions) => {
        const at = text.replaceAll(' ', ' @');
        const root = drawn(at, { mentions });
        expect(root.textContent).toBe(drawn(at).textContent);
        expectAllowed(root, false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('whatever is written', () => {
  it('is drawn with elements of the list alone, not many of them, and without losing a word', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), fc.boolean(), (text, isBot, isForming) => {
        const root = drawn(text, { isBot, isForming });
        // Work that grows with the square of the text would show in what is made.
        expect(expectAllowed(root, isBot)).toBeLessThan(20 + 8 * text.length);
      }),
      { numRuns: 600 },
    );
  });

  it('keeps its words, in their order', () => {
    const between = fc.array(fc.constantFrom(...PIECES.filter((piece) => !/[a-z\d]/i.test(piece))), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(between, { maxLength: 40 }), fc.boolean(), fc.boolean(), (gaps, isBot, isForming) => {
        const text = gaps.map((gap, index) => `word${index}${gap.join('')}`).join('');
        expect(words(drawn(text, { isBot, isForming }).textContent)).toEqual(words(text));
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['2,000 quotes and lists in each other', '> - '.repeat(1_000)],
    ['lists in each other by indenting', Array.from({ length: 60 }, (_, i) => `${' '.repeat(2 * i)}- a`).join('\n')],
    ['quotes in each other', Array.from({ length: 60 }, (_, i) => `${'>'.repeat(i)} a`).join('\n')],
    ['emphasis in each other', '*a **b '.repeat(570)],
    ['emphasis that ends', `${'*a **b '.repeat(250)}${'c** d* '.repeat(250)}`],
    ['links that do not end', '[a]('.repeat(1_000)],
    ['images in each other', `${'!['.repeat(1_300)}a${'](b)'.repeat(300)}`],
    ['ticks', '`'.repeat(4_000)],
    ['ticks and words', '`a``'.repeat(1_000)],
    ['addresses', 'a@b.'.repeat(1_000)],
    ['tildes', '~a '.repeat(1_300)],
    ['brackets', '<'.repeat(4_000)],
    ['blanks', ' '.repeat(3_999) + 'a'],
    ['breaks', '\n'.repeat(3_999) + 'a'],
    ['table rows', '|a|b|\n|-|-|\n' + '|c|d|\n'.repeat(600)],
    ['one word', 'a'.repeat(4_000)],
  ])('survives %s', (_what, text) => {
    for (const isBot of [true, false]) {
      const root = drawn(text, { isBot });
      expect(expectAllowed(root, isBot)).toBeLessThan(8_100);
      const letters = (all: string): number => all.replace(/[^a-d]/g, '').length;
      expect(letters(root.textContent)).toBeGreaterThanOrEqual(isBot || !text.includes('](') ? letters(text) : 1);
    }
  });

  it('draws 4,000 emoji and a word of 300 letters as one paragraph', () => {
    for (const text of ['😀'.repeat(4_000), 'w'.repeat(300)]) {
      const root = drawn(text);
      expect(root.textContent).toBe(text);
      expect(root.querySelectorAll('*')).toHaveLength(1);
    }
  });

  it('never runs', () => {
    const root = drawn('<script>window.ran = true</script><img src=x onerror="window.ran = true">');
    document.body.append(root);
    expect(root.querySelector('script, img')).toBeNull();
    expect(root.textContent).toBe('<script>window.ran = true</script><img src=x onerror="window.ran = true">');
    expect((window as { ran?: boolean }).ran).toBeUndefined();
    root.remove();
  });
});

describe('an answer that forms', () => {
  const block = fc.constantFrom(
    'Some words.',
    '**Bold** ones',
    '# Head',
    '- a\n- b',
    '1. a\n2. b',
    '- a\n\n- b',
    '- a\n\n  more of a',
    '> said',
    '```js\na\n\nb\n```',
    '~~~\n```\n\n~~~',
    '|a|b|\n|-|-|\n|c|d|',
    '---',
    '***',
    '  indented',
    '1',
    '- ```\n  a\n\n  b\n  ```',
  );

  it('is drawn as when it is complete', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(block, fc.constantFrom('\n\n', '\n\n\n', '\n \n'))), (blocks) => {
        const text = blocks.map((pair) => pair.join('')).join('');
        expect(html(drawn(text, { isBot: true, isForming: true }))).toBe(html(bot(text)));
      }),
      { numRuns: 400 },
    );
  });

  it('grows by frames, and keeps the elements of what is settled', async () => {
    const root = document.createElement('div');
    const whole = 'One **two**.\n\n```js\nconst a = 1;\n\nconst b = 2;\n```\n\nThree\n\n- four\n\n- five\n\nSix seven.';
    const show = (text: string): void => render(<MessageText text={text} isBot isForming end={<span>|</span>} />, root);
    const frame = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    let first: Element | null = null;
    for (let end = 1; end <= whole.length; end++) {
      show(whole.slice(0, end));
      await frame();
      if (end === 20) first = root.firstElementChild;
      const ends = [...root.querySelectorAll('span')].filter((span) => span.textContent === '|');
      expect(ends, whole.slice(0, end)).toHaveLength(1);
    }
    expect(first).not.toBeNull();
    expect(root.firstElementChild).toBe(first);
    await vi.waitFor(() => expect(html(root).replace('<span>|</span>', '')).toBe(html(bot(whole))));
    // After a restart of the server it begins anew.
    show('Other');
    await vi.waitFor(() => expect(html(root)).toBe('<p dir="auto">Other<span>|</span></p>'));
  });

  it('does not show the beginning of a closing fence as code', () => {
    for (const end of ['', '`', '``', '```'])
      expect(
        drawn(`\`\`\`\na\n${end}`, { isBot: true, isForming: true }).querySelector('pre')!.textContent.trim(),
      ).toBe('a');
  });
});
