// Long conversations: where one begins in them, what of them counts as read, and what becomes of pages that cannot be loaded.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { type Person, send } from '../../../test/support/client.js';
import { composer, firstInView, fromEnd, hasChromium, message, texts, walkFor } from './walk.js';

const CODE = '```\nfirst line of some code\nsecond line\nthird line\n```';

/** Each third message holds code, whose height nobody guesses right. */
async function writeTo(from: Person, to: Person, count: number): Promise<void> {
  const socket = await from.connect();
  for (let i = 1; i <= count; i++)
    await send(socket, {
      chat_type: 'room',
      other_user_id: to.id,
      message: `No. ${i}.${i % 3 === 0 ? `\n${CODE}` : ''}`,
    });
  from.hangUp();
}

/** All at once, more than is drawn in between. */
async function flood(from: Person, to: Person, count: number): Promise<void> {
  const socket = await from.connect();
  const many = Array.from({ length: count }, (_, i) => `Flood ${i + 1}.\n${'one more line\n'.repeat(i % 9)}`);
  await Promise.all(many.map((text) => send(socket, { chat_type: 'room', other_user_id: to.id, message: text })));
  from.hangUp();
}

const isInView = (page: Page, text: string): Promise<boolean> =>
  message(page, text).evaluate((one) => {
    const [box, log] = [one.getBoundingClientRect(), one.closest('.log')!.getBoundingClientRect()];
    return box.top >= log.top && box.bottom <= log.bottom;
  });

const topOf = (page: Page, text: string): Promise<number> =>
  message(page, text).evaluate((one) => one.getBoundingClientRect().top);

/** Where it stands, once that is the same in several frames. */
async function restsAt(page: Page, text: string): Promise<number> {
  await message(page, text).waitFor();
  await page.waitForFunction(
    ([key, wanted]) => {
      const one = [...document.querySelectorAll('article.msg')].find((article) => article.textContent.includes(wanted));
      const now = one?.getBoundingClientRect().top;
      const state = (window as unknown as Record<string, { top?: number; times: number }>)[key] ?? { times: 0 };
      (window as unknown as Record<string, unknown>)[key] =
        state.top === now ? { top: now, times: state.times + 1 } : { top: now, times: 0 };
      return state.times > 10;
    },
    [`rests ${Math.random()}`, text],
  );
  return topOf(page, text);
}

const newLine = (page: Page) => page.getByRole('separator', { name: 'New messages' });
const latest = (page: Page) => page.getByRole('button', { name: /^Latest/ });
const focusedKey = (page: Page) => page.evaluate(() => (document.activeElement as HTMLElement).dataset['key']);

describe.skipIf(!hasChromium)('a long conversation', () => {
  const walk = walkFor();

  it('stays at the end, however fast it grows, and lets go whoever scrolls up', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 30);
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await latest(page).click();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(2);
    // A slow device draws many at once, and measures them late.
    const device = await page.context().newCDPSession(page);
    await device.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    await flood(alan, ada, 300);
    await message(page, 'Flood 300.').waitFor({ timeout: 120_000 });
    await device.send('Emulation.setCPUThrottlingRate', { rate: 1 });
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(2);
    expect(await latest(page).count()).toBe(0);
    await page.getByRole('log').hover();
    await page.mouse.wheel(0, -2_000);
    await latest(page).waitFor();
    const before = await firstInView(page);
    await flood(alan, ada, 20);
    await page.getByRole('button', { name: /^Latest \d+\+? newer messages$/ }).waitFor();
    expect(await firstInView(page)).toBe(before);
    await page.context().close();
  });

  it('begins at what is new, also where that is not on the first page, and what was not shown is not read', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 250);
    const page = await walk().enter(ada);
    await expect.poll(() => page.title()).toBe('(250) Parley');
    await page.locator('a.row', { hasText: 'Alan' }).click();
    await newLine(page).waitFor();
    expect((await texts(page))[0]).toContain('No. 1.');
    // What is in view is read, and nothing below it.
    await expect.poll(() => page.title()).toMatch(/^\(2[34]\d\) Alan/);
    const unread = Number(/\d+/.exec(await page.title())![0]);
    const inView = (await texts(page)).length;
    expect(unread).toBeGreaterThanOrEqual(250 - inView);
    await latest(page).click();
    await message(page, 'No. 250.').waitFor();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    // The button is gone; the focus is where it led.
    await expect.poll(() => focusedKey(page)).toBe('#250');
    await expect.poll(() => page.title()).toBe('Alan Lovelace · Parley');
    await page.context().close();
  });

  it('is opened by a link at a message that the device does not know, and keeps the place over a reload', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 250);
    const page = await walk().enter(ada, `/with/${alan.id}?at=90`);
    await restsAt(page, 'No. 90.');
    expect(await isInView(page, 'No. 90.')).toBe(true);
    expect(new URL(page.url()).search).toBe('');
    await page.locator('.log').hover();
    await page.mouse.wheel(0, -2_000);
    await page.waitForTimeout(300);
    const key = await firstInView(page);
    const text = `No. ${key.slice(1)}.`;
    const before = await restsAt(page, text);
    await page.reload();
    expect(Math.abs((await restsAt(page, text)) - before)).toBeLessThanOrEqual(2);
    // Nobody has scrolled since, and nothing moves.
    const socket = await alan.connect();
    await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'meanwhile' });
    await latest(page).waitFor();
    expect(Math.abs((await topOf(page, text)) - before)).toBeLessThanOrEqual(2);
    // From here, Tab leads into what is in view, and keys within code are the code's.
    await composer(page).focus();
    await page.keyboard.press('Control+Shift+F6');
    await expect.poll(() => focusedKey(page)).toMatch(/^#/);
    await page.locator('.log pre').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    expect(await page.evaluate(() => document.activeElement!.tagName)).toBe('PRE');
    alan.hangUp();
    await page.context().close();
  });

  it('says what could not be loaded, and loads it when it is asked to, or once one is back', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 250);
    const page = await walk().enter(ada, `/with/${alan.id}?at=240`);
    await restsAt(page, 'No. 240.');
    const isPage = /chat_rooms\/\d+\?/;
    await page.route(isPage, (route) => route.abort());
    await page.locator('.log').evaluate((log) => (log.scrollTop = 0));
    await page.locator('.log').getByText('Could not load older messages.').waitFor({ state: 'attached' });
    await page.locator('.log').hover();
    await page.mouse.wheel(0, -500);
    const again = page.getByRole('button', { name: 'Try again' });
    await again.click();
    await again.waitFor();
    await page.unroute(isPage);
    await again.click();
    await again.waitFor({ state: 'detached' });
    await expect.poll(() => focusedKey(page)).toMatch(/^#/);
    // All the way up, page by page.
    await expect
      .poll(async () => {
        await page.keyboard.press('Home');
        return focusedKey(page);
      })
      .toBe('#1');
    await page.context().close();
    const other = await walk().enter(ada, `/with/${alan.id}?at=20`);
    await restsAt(other, 'No. 20.');
    await other.route(isPage, (route) => route.abort());
    await latest(other).click();
    await other.getByText('Could not load the messages.').waitFor();
    await walk().kill();
    await other.locator('.status', { hasText: 'Offline.' }).waitFor();
    await other.unroute(isPage);
    await walk().restart();
    await message(other, 'No. 250.').waitFor();
    await expect.poll(() => fromEnd(other)).toBeLessThanOrEqual(1);
    await other.context().close();
  });

  it('shows the day while somebody scrolls, and not while it follows the end', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 40);
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await newLine(page).waitFor();
    const day = page.locator('.day-float');
    expect(await day.count()).toBe(0);
    await page.locator('.log').hover();
    await page.mouse.wheel(0, 600);
    await day.waitFor();
    await latest(page).click();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    await day.waitFor({ state: 'detached' });
    await page.evaluate(() => {
      const floated: string[] = [];
      Object.assign(window, { floated });
      new MutationObserver(() => floated.push(document.querySelector('.day-float')?.textContent ?? '')).observe(
        document.querySelector('.log-box')!,
        { childList: true },
      );
    });
    const socket = await alan.connect();
    for (const text of ['one', 'two', 'three'])
      await send(socket, { chat_type: 'room', other_user_id: ada.id, message: text });
    await message(page, 'three').waitFor();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    const floated = await page.evaluate(() => (window as unknown as { floated: string[] }).floated);
    expect(floated.join('')).toBe('');
    alan.hangUp();
    await page.context().close();
  });
});
