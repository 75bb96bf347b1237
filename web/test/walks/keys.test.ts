// Without a mouse, and without eyes: keys, the order of Tab, and what a screen reader is told.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { send } from '../../../test/support/client.js';
import { composer, hasChromium, message, say, stopTime, walkFor } from './walk.js';

/** What has the focus: its role and name, as a reader says them. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const one = document.activeElement!;
    return `${one.getAttribute('role') ?? one.tagName.toLowerCase()} ${one.getAttribute('aria-label') ?? one.textContent ?? ''}`;
  });

describe.skipIf(!hasChromium)('keys and readers', () => {
  const walk = walkFor();

  it('finds people, changes conversations, goes through the parts of the page, and returns the focus', async () => {
    const [ada, alan, grace] = [await walk().join('Ada'), await walk().join('Alan'), await walk().join('Grace')];
    const page = await walk().enter(ada);
    await page.keyboard.press('Control+K');
    await page.getByRole('combobox').waitFor();
    await page.keyboard.type('Ala');
    await page.getByRole('option', { name: /Alan/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Alan Lovelace', level: 1 }).waitFor();
    // Writing begins at once.
    await expect.poll(() => focused(page)).toBe('textarea Write to Alan');
    await page.keyboard.type('first');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second');
    await page.keyboard.press('Enter');
    await message(page, 'second').waitFor();
    expect(await composer(page).inputValue()).toBe('');
    // An Enter that ends a composition sends nothing.
    await composer(page).fill('にほん');
    await composer(page).dispatchEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true });
    expect(await composer(page).inputValue()).toBe('にほん');
    await composer(page).fill('');
    // From the composer to the list of messages is one Tab back; ↑ walks in it.
    await say(page, 'third');
    await message(page, 'third').waitFor();
    await page.keyboard.press('Control+Shift+F6');
    await expect.poll(() => focused(page)).toMatch(/^article You, .*: third, sent$/);
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => focused(page)).toMatch(/: first\nsecond, sent$/);
    await page.keyboard.press('End');
    await expect.poll(() => focused(page)).toMatch(/: third, sent$/);
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await expect.poll(() => focused(page)).toMatch(/: third, sent$/);
    // A letter begins to write.
    await page.keyboard.press('x');
    await expect.poll(() => composer(page).inputValue()).toBe('x');
    await composer(page).fill('');
    await page.goto(`${walk().url}/with/${grace.id}`);
    await say(page, 'to Grace');
    await message(page, 'to Grace').waitFor();
    await page.keyboard.press('Alt+ArrowDown');
    await page.getByRole('heading', { name: 'Alan Lovelace', level: 1 }).waitFor();
    await page.keyboard.press('Alt+ArrowUp');
    await page.getByRole('heading', { name: 'Grace Lovelace', level: 1 }).waitFor();
    const socket = await alan.connect();
    await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'unread' });
    alan.hangUp();
    await page.locator('a.row', { hasText: 'Alan' }).locator('.count').waitFor();
    await page.keyboard.press('Alt+Shift+ArrowUp');
    await page.getByRole('heading', { name: 'Alan Lovelace', level: 1 }).waitFor();
    await page.keyboard.press('Control+/');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // What opened a dialog has the focus behind it.
    const find = page.getByRole('button', { name: /Find a person or group/ });
    await find.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toMatch(/^combobox/);
    await page.keyboard.press('Escape');
    await expect.poll(() => focused(page)).toMatch(/^button Find a person or group/);
    await page.context().close();
  });

  it('is told once of each new message, of many as a number, and never of its own', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await page.getByText('This is the beginning.').waitFor();
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(window, { said });
      const announcer = document.querySelector('main > [aria-live="polite"]')!;
      new MutationObserver(() => {
        if (announcer.textContent) said.push(announcer.textContent);
      }).observe(announcer, { childList: true, characterData: true, subtree: true });
    });
    const said = () => page.evaluate(() => (window as unknown as { said: string[] }).said);
    const socket = await alan.connect();
    const write = (text: string) => send(socket, { chat_type: 'room', other_user_id: ada.id, message: text });
    await say(page, 'my own');
    await message(page, 'my own').waitFor();
    await write('lunch?');
    await expect.poll(said).toEqual(['Alan: lunch?']);
    // The same words are said again.
    await write('lunch?');
    await expect.poll(said).toEqual(['Alan: lunch?', 'Alan: lunch?']);
    // All of them within one second of the page, however long they take.
    await stopTime(page);
    await Promise.all(['a', 'b', 'c', 'd'].map(write));
    await message(page, 'd').waitFor();
    await page.clock.resume();
    await expect.poll(async () => (await said()).slice(2)).toEqual(['4 new messages']);
    // Ada looks at it: what was in view for a second is read.
    await expect
      .poll(async () => (await ada.get('/http/chat_rooms')).body[0])
      .toMatchObject({ last_seq: 7, unread_count: 0 });
    await page.locator('a.row .count').waitFor({ state: 'detached' });
    await message(page, 'my own')
      .locator('.meta .sr', { hasText: /^read$/ })
      .waitFor();
    // The transcript of the page, as a reader goes through it.
    const transcript = await page.locator('body').ariaSnapshot();
    const stable = transcript
      .replace(/\d{2}:\d{2}/g, '00:00')
      .replace(/with\/\d+/g, 'with/0')
      .split('\n')
      .filter((line) => !/new messages|^\s*- (status|time: 00:00$)/.test(line))
      .join('\n');
    expect(stable).toMatchSnapshot();
    // Not before: they would be offline in it, on a machine on which what is above takes more than five seconds.
    alan.hangUp();
    await page.context().close();
  });
});
