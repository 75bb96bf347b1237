// Two people talk: the list, what is new, scrolling, ticks, changes, typing; each as both of them see it.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { Person, send } from '../../../test/support/client.js';
import { composer, firstInView, fromEnd, hasChromium, isSent, message, PHONE, say, texts, walkFor } from './walk.js';

/** Messages of one person to another, by a stock client. */
async function writeTo(from: Person, to: Person, count: number, text = (i: number) => `message ${i}`): Promise<void> {
  const socket = await from.connect();
  for (let i = 1; i <= count; i++) await send(socket, { chat_type: 'room', other_user_id: to.id, message: text(i) });
  from.hangUp();
}

const row = (page: Page, name: string) => page.locator('a.row', { hasText: name });

// What the databases differ in ends at the server's API, which is tested on all of them.
describe.skipIf(!hasChromium)('two people talk', () => {
  const walk = walkFor();

  it('sees the list change, what is new, and on another device that it has been read', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 30);
    const page = await walk().enter(ada);
    const phone = await walk().enter(ada, '/', PHONE);
    await row(page, 'Alan').locator('.count', { hasText: '30' }).waitFor();
    await expect.poll(() => page.title()).toBe('(30) Parley');
    await row(phone, 'Alan').locator('.count').waitFor();
    await row(page, 'Alan').click();
    await page.getByRole('separator', { name: 'New messages' }).waitFor();
    expect(await page.getByRole('separator', { name: 'New messages' }).isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    // Down to the end, so that all of it is seen.
    await page.getByRole('button', { name: /^Latest/ }).click();
    await row(phone, 'Alan').locator('.count').waitFor({ state: 'detached' });
    await expect.poll(() => page.title()).toBe('Alan Lovelace · Parley');
    // The line stays until one leaves.
    await page.locator('.log').evaluate((log) => (log.scrollTop = 0));
    await page.getByRole('separator', { name: 'New messages' }).waitFor();
    await row(page, 'Alan').click();
    await page.getByRole('link', { name: 'Settings' }).click();
    await row(page, 'Alan').click();
    await message(page, 'message 9').waitFor();
    expect(await page.getByRole('separator', { name: 'New messages' }).count()).toBe(0);
    await page.context().close();
    await phone.context().close();
  });

  it('goes from sent to read, and shows an edit and a deletion to both', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await page.getByText('This is the beginning.').waitFor();
    await say(page, 'Can you read this?');
    await isSent(page, 'Can you read this?');
    const other = await walk().enter(alan, `/with/${ada.id}`);
    await message(other, 'Can you read this?').waitFor();
    await message(page, 'Can you read this?').locator('.meta .read').waitFor();
    await composer(other).pressSequentially('Yes');
    await page.getByText('Alan is writing').waitFor();
    // Up in an empty composer changes one's last.
    await page.keyboard.press('Escape');
    await composer(page).focus();
    await page.keyboard.press('ArrowUp');
    expect(await composer(page).inputValue()).toBe('Can you read this?');
    await say(page, 'Can you read that?');
    await message(other, 'Can you read that?').locator('.edited').waitFor();
    await message(page, 'Can you read that?').hover();
    await message(page, 'Can you read that?').getByRole('button', { name: 'More for this message' }).click();
    await page.getByRole('menuitem', { name: 'Delete for everybody' }).click();
    await page.getByRole('button', { name: 'Delete for everybody' }).click();
    await expect.poll(() => texts(other)).toEqual(['Message deleted']);
    // What Alan began is still there.
    expect(await composer(other).inputValue()).toBe('Yes');
    await other.reload();
    await expect.poll(() => composer(other).inputValue()).toBe('Yes');
    await expect.poll(() => texts(other)).toEqual(['Message deleted']);
    await page.context().close();
    await other.context().close();
  });

  it('keeps its place: at the end it follows, and where one reads nothing moves', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 60, (i) => `message ${i} ${'of many words '.repeat(i % 7)}`);
    const page = await walk().enter(ada, `/with/${alan.id}`);
    // One begins at what is new.
    await page.getByRole('separator', { name: 'New messages' }).waitFor();
    await page.getByRole('button', { name: /^Latest/ }).click();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    const socket = await alan.connect();
    const write = (text: string) => send(socket, { chat_type: 'room', other_user_id: ada.id, message: text });
    await write('at the end');
    await message(page, 'at the end').waitFor();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    // The composer grows by five lines.
    await composer(page).fill('1\n2\n3\n4\n5');
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    await composer(page).fill('');
    // All of it has been seen.
    await expect.poll(() => page.title()).toBe('Alan Lovelace · Parley');
    await page.locator('.log').hover();
    await page.mouse.wheel(0, -900);
    await page.waitForTimeout(300);
    const key = await firstInView(page);
    const top = (): Promise<number> =>
      page.locator(`[data-key="${key}"]`).evaluate((one) => one.getBoundingClientRect().top);
    const before = await top();
    await write('while Ada reads above');
    await page.getByRole('button', { name: /^Latest 1/ }).waitFor();
    expect(Math.abs((await top()) - before)).toBeLessThanOrEqual(1);
    // Place and draft outlive a reload.
    await composer(page).fill('half a thought');
    await page.waitForTimeout(300);
    await page.reload();
    await page.locator(`[data-key="${key}"]`).waitFor();
    await expect.poll(async () => Math.abs((await top()) - before)).toBeLessThanOrEqual(30);
    expect(await composer(page).inputValue()).toBe('half a thought');
    // One's own message always goes to the end.
    await say(page, 'my own');
    await message(page, 'my own').waitFor();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    alan.hangUp();
    await page.context().close();
  });

  it('goes to the end with what one sends while looking at the past', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 260);
    const page = await walk().enter(ada, `/with/${alan.id}?at=20`);
    await page.locator('.flash', { hasText: 'message 20' }).waitFor();
    await say(page, 'from the past');
    await message(page, 'from the past').waitFor();
    await expect.poll(() => fromEnd(page)).toBeLessThanOrEqual(1);
    await page.context().close();
  });

  it('is one pane on a phone, and Back leads to the list at its place', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await writeTo(alan, ada, 1);
    const page = await walk().enter(ada, '/', { ...PHONE, viewport: { width: 320, height: 640 } });
    const fits = (): Promise<boolean> =>
      page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
    await row(page, 'Alan').waitFor();
    expect(await fits()).toBe(true);
    await row(page, 'Alan').click();
    await message(page, 'message 1').waitFor();
    expect(await row(page, 'Alan').isVisible()).toBe(false);
    expect(await fits()).toBe(true);
    // A finger has no Shift: Enter makes a line.
    await composer(page).fill('one');
    await composer(page).press('Enter');
    expect(await composer(page).inputValue()).toBe('one\n');
    await page.getByRole('button', { name: 'Send' }).click();
    await message(page, 'one').waitFor();
    await page.goBack();
    await row(page, 'Alan').waitFor();
    expect(await row(page, 'Alan').isVisible()).toBe(true);
    await page.context().close();
  });

  it('shows the end of what is blocked, and whom one may unblock', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    const other = await walk().enter(alan, `/with/${ada.id}`);
    await composer(other).waitFor();
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Block Alan' }).click();
    await page.getByRole('button', { name: 'Block Alan' }).click();
    await page.getByText('You have blocked Alan. Neither of you can write here.').waitFor();
    expect(await composer(page).count()).toBe(0);
    await say(other, 'still there?');
    await other.getByText('Not sent: one of you has blocked the other.').waitFor();
    await page.getByRole('button', { name: 'Unblock' }).click();
    await composer(page).waitFor();
    await other.getByRole('button', { name: 'Try again' }).click();
    await message(page, 'still there?').waitFor();
    expect(await other.evaluate(() => document.activeElement!.textContent)).toContain('still there?');
    await page.context().close();
    await other.context().close();
  });
});
