import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, hasChromium, TestBrowser } from '../../test/support/browser.js';
import { ALL, findEmoji, GROUPS } from '../src/chat/emoji.js';

const signs = (query: string): string[] => findEmoji(query).map(({ sign }) => sign);

describe('emoji by name', () => {
  it('are all different, and each has a name', () => {
    expect(new Set(ALL.map(({ sign }) => sign)).size).toBe(ALL.length);
    expect(ALL.filter(({ sign, name }) => !/\p{Emoji}/u.test(sign) || !/^[\w\- ]+$/.test(name))).toEqual([]);
    expect(GROUPS.every(({ emoji }) => emoji.length > 0)).toBe(true);
  });

  it('are found by the beginning of each word, those that are called so first', () => {
    expect(signs('smi').slice(0, 2)).toEqual(['😄', '🙂']);
    expect(signs('THUMBS up')).toEqual(['👍']);
    expect(signs('thumbs_d')).toEqual(['👎']);
    expect(signs('+1')).toEqual(['👍']);
    expect(signs('humbs')).toEqual([]);
    expect(signs(' ')).toEqual([]);
  });
});

/** A form as that of the composer, which tells what would be sent. */
const PAGE = `
  import { h, render } from 'preact';
  import { useRef, useState } from 'preact/hooks';
  import { EmojiPicker } from './web/src/chat/emoji-picker.tsx';
  import { useCompletion } from './web/src/chat/completion.tsx';
  import { EMOJI } from './web/src/chat/emoji-source.ts';

  window.sent = [];
  function Form() {
    const area = useRef(null);
    const [isPicking, setPicking] = useState(false);
    const completion = useCompletion(area, [EMOJI], () => {});
    const send = (event) => {
      event.preventDefault();
      window.sent.push(area.current.value);
    };
    return h('form', { class: 'box', onSubmit: send },
      h('button', { type: 'button', onClick: () => setPicking(!isPicking) }, 'Emoji'),
      h('textarea', {
        ref: area,
        'aria-label': 'Text',
        onInput: completion.update,
        onBlur: completion.close,
        onKeyDown: (event) => { if (!completion.onKeyDown(event) && event.key === 'Enter') send(event); },
        ...completion.aria,
      }),
      completion.list,
      isPicking && h(EmojiPicker, {
        onPick: (emoji) => { area.current.setRangeText(emoji); area.current.focus(); },
        onClose: () => setPicking(false),
      }),
    );
  }
  render(h(Form), document.getElementById('app'));
`;

describe.skipIf(!hasChromium)('emoji by keyboard', () => {
  let browser: TestBrowser;
  let script: string;
  beforeAll(async () => {
    browser = await TestBrowser.start();
    script = await bundle(PAGE);
  });
  afterAll(() => browser.stop());

  const style = readFileSync(new URL('../src/style.css', import.meta.url), 'utf8');
  const HEAD = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/style.css">';
  /** With a storage of its own. */
  const opened = async (): Promise<Page> => {
    const body = '<p>Elsewhere</p><div id="app" style="margin-top: 26rem"></div><script src="/page.js"></script>';
    const site = await browser.serve({ '/': HEAD + body, '/page.js': script, '/style.css': style });
    return browser.open(site.secure);
  };
  const focused = (page: Page): Promise<string> =>
    page.evaluate(() => document.activeElement!.getAttribute('aria-label') ?? document.activeElement!.textContent);
  const text = (page: Page): Promise<string> => page.inputValue('textarea');

  it('offers what begins as :smi does, and takes it by Enter, Tab or a click', async () => {
    const page = await opened();
    await page.focus('textarea');
    await page.keyboard.type('so :smi');
    await page.waitForSelector('[role=listbox]');
    const active = (): Promise<string> =>
      page.evaluate(
        () =>
          document.getElementById(document.querySelector('textarea')!.getAttribute('aria-activedescendant')!)!
            .textContent,
      );
    expect(await page.locator('[role=option]').count()).toBe(6);
    expect(await active()).toContain('grinning face with smiling eyes');
    await page.keyboard.press('ArrowDown');
    expect(await active()).toContain('slightly smiling face');
    await page.keyboard.press('Enter');
    expect(await text(page)).toBe('so 🙂 ');
    await page.keyboard.type(':rock');
    await page.waitForSelector('[role=listbox]');
    await page.keyboard.press('Tab');
    expect(await text(page)).toBe('so 🙂 🚀 ');
    expect(await focused(page)).toBe('Text');
    await page.keyboard.type(':fire');
    await page.click('[role=option]');
    expect(await text(page)).toBe('so 🙂 🚀 🔥 ');
    expect(await page.evaluate('sent')).toEqual([]);
    await page.close();
  });

  it('leaves alone what only looks so, and what Escape has closed', async () => {
    const page = await opened();
    await page.focus('textarea');
    await page.keyboard.type('at 10:30 :D :p http://smile :smi');
    await page.waitForSelector('[role=listbox]');
    await page.keyboard.press('Escape');
    expect(await page.locator('[role=listbox]').count()).toBe(0);
    await page.keyboard.press('Enter');
    expect(await page.evaluate('sent')).toEqual(['at 10:30 :D :p http://smile :smi']);
    await page.close();
  });

  it('are picked in the grid, whose arrows know its rows; Escape gives the focus back', async () => {
    const page = await opened();
    await page.click('form > button');
    await page.waitForSelector('[role=dialog]');
    expect(await focused(page)).toBe('Search emoji by name');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('sent')).toEqual([]);
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe('grinning face');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    const [above, below] = await page.evaluate(() => {
      const at = document.activeElement!.getBoundingClientRect();
      const second = document.querySelectorAll('[data-sign]')[1].getBoundingClientRect();
      return [
        { left: second.left, top: second.bottom },
        { left: at.left, top: at.top },
      ];
    });
    expect(below).toEqual(above);
    await page.keyboard.press('End');
    expect(await focused(page)).toBe(ALL.at(-1)!.name);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    expect(await focused(page)).toBe('Search emoji by name');
    await page.keyboard.press('Escape');
    expect(await page.locator('[role=dialog]').count()).toBe(0);
    expect(await focused(page)).toBe('Emoji');
    await page.close();
  });

  it('are searched by name, and those picked last come first the next time', async () => {
    const page = await opened();
    await page.click('form > button');
    await page.waitForSelector('[role=dialog]');
    await page.keyboard.press('ArrowDown');
    // A letter in the grid is a letter of the search.
    await page.keyboard.type('party pop');
    expect(await page.inputValue('[role=dialog] input')).toBe('party pop');
    await page.keyboard.press('Enter');
    expect(await text(page)).toBe('🎉');
    expect(await focused(page)).toBe('Text');
    await page.click('form > button');
    expect(await page.getAttribute('[role=group] button', 'aria-label')).toBe('party popper');
    await page.fill('[role=dialog] input', 'nothing like it');
    expect(await page.textContent('[role=status]')).toBe('No emoji found for “nothing like it”.');
    await page.click('text=Elsewhere');
    expect(await page.locator('[role=dialog]').count()).toBe(0);
    await page.close();
  });
});
