// Replies and reactions, as those who take part see them: by mouse, by keys, by finger, and where the server refuses.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { call, type Person, send } from '../../../test/support/client.js';
import { composer, hasChromium, isSent, message, PHONE, say, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('replies and reactions', () => {
  const walk = walkFor();

  const tool = async (page: Page, text: string, name: string): Promise<void> => {
    await message(page, text).first().hover();
    await message(page, text).first().locator('.tools').getByRole('button', { name }).click();
  };
  const menu = async (page: Page, text: string, item: string | RegExp): Promise<void> => {
    await tool(page, text, 'More for this message');
    await page.getByRole('menuitem', { name: item }).click();
  };
  const quote = (page: Page, text: string) => message(page, text).locator('.quote');
  const chip = (page: Page, text: string, emoji: string) =>
    message(page, text).locator('.reaction', { hasText: emoji });

  /** A group of all of them, made by the first. */
  async function group([owner, ...others]: readonly [Person, ...Person[]]): Promise<number> {
    const { body } = await call(walk().server, 'POST', '/http/chat_groups', {
      token: owner.token,
      body: { chat_group_name: 'Engines', is_private: false },
    });
    for (const { id } of others) {
      const path = `/http/chat_groups/${body.id}/members`;
      const added = await call(walk().server, 'POST', path, { token: owner.token, body: { user_id: id } });
      expect(added.status).toBeLessThan(300);
    }
    return body.id;
  }

  it('replies, keeps the reply over a reload, and shows what the original has become', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    const other = await walk().enter(alan, `/with/${ada.id}`);
    await say(page, 'Tea or coffee?');
    await isSent(page, 'Tea or coffee?');
    await tool(other, 'Tea or coffee?', 'Reply');
    await other.getByText('Replying to Ada').waitFor();
    expect(await other.evaluate(() => document.activeElement!.tagName)).toBe('TEXTAREA');
    await composer(other).fill('Tea');
    await other.waitForTimeout(300);
    await other.reload();
    await other.getByText('Replying to Ada').waitFor();
    await expect.poll(() => composer(other).inputValue()).toBe('Tea');
    await composer(other).press('Enter');
    await quote(page, 'Tea').filter({ hasText: 'You Tea or coffee?' }).waitFor();
    await quote(other, 'Tea').filter({ hasText: 'Ada Tea or coffee?' }).waitFor();
    expect(await other.locator('.replying').count()).toBe(0);
    // A reader hears it in one sentence.
    expect(await message(page, 'Tea').last().getAttribute('aria-label')).toMatch(
      /^Alan, .*, replying to You, Tea or coffee\?: Tea$/,
    );
    // The next message is no reply.
    await say(other, 'please');
    await message(page, 'please').waitFor();
    expect(await quote(page, 'please').count()).toBe(0);
    // Esc gives a reply up, and the text stays.
    await menu(other, 'Tea or coffee?', 'Reply');
    await composer(other).fill('with milk');
    await composer(other).press('Escape');
    expect(await other.locator('.replying').count()).toBe(0);
    expect(await composer(other).inputValue()).toBe('with milk');
    // What the original becomes is seen in its quotes.
    await menu(page, 'Tea or coffee?', 'Edit');
    await say(page, 'Tea or cocoa?');
    await quote(other, 'Tea').filter({ hasText: 'Tea or cocoa?' }).waitFor();
    // Who is replying to it meanwhile is told that it is gone, and what they write goes out without it.
    await tool(other, 'Tea or cocoa?', 'Reply');
    await menu(page, 'Tea or cocoa?', 'Delete for everybody');
    await page.getByRole('button', { name: 'Delete for everybody' }).click();
    await quote(other, 'Tea').filter({ hasText: 'Message deleted' }).waitFor();
    await other.getByText('The message was deleted: what you write goes out without it.').waitFor();
    await say(other, 'Where is it?');
    await message(page, 'Where is it?').waitFor();
    expect(await quote(page, 'Where is it?').count()).toBe(0);
    await page.context().close();
    await other.context().close();
  });

  it('goes to the original, however far back, by mouse and by keys', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    const write = (text: string, more: object = {}) =>
      send(socket, { chat_type: 'room', other_user_id: ada.id, message: text, ...more });
    await write('the beginning of all of it');
    for (let i = 2; i <= 220; i++) await write(`message ${i}`);
    await write('about that', { reply_to: 1 });
    alan.hangUp();
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await page.getByRole('button', { name: /^Latest/ }).click();
    await quote(page, 'about that').click();
    await page.locator('.flash', { hasText: 'the beginning of all of it' }).waitFor();
    await page.getByRole('button', { name: /^Latest/ }).click();
    await message(page, 'about that').waitFor();
    await message(page, 'about that').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Go to the original' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.flash', { hasText: 'the beginning of all of it' }).waitFor();
    await page.context().close();
  });

  it('counts reactions, says whose they are, and takes them back', async () => {
    const [ada, alan, grace] = [await walk().join('Ada'), await walk().join('Alan'), await walk().join('Grace')];
    const id = await group([ada, alan, grace]);
    const page = await walk().enter(ada, `/group/${id}`);
    const other = await walk().enter(alan, `/group/${id}`);
    await say(page, 'It works.');
    await message(other, 'It works.').waitFor();
    await isSent(page, 'It works.');
    await tool(other, 'It works.', 'More for this message');
    await other.getByRole('menuitemcheckbox', { name: 'Thumbs up' }).click();
    await chip(page, 'It works.', '👍').waitFor();
    expect(await chip(other, 'It works.', '👍').getAttribute('aria-pressed')).toBe('true');
    expect(await chip(page, 'It works.', '👍').getAttribute('aria-pressed')).toBe('false');
    // One more of the same, by the chip itself.
    await chip(page, 'It works.', '👍').click();
    await chip(other, 'It works.', '👍').filter({ hasText: '2' }).waitFor();
    // Another one, by the picker's search.
    await tool(page, 'It works.', 'Add a reaction');
    await page.getByRole('textbox', { name: 'Search emoji by name' }).fill('party popper');
    await page.keyboard.press('Enter');
    await chip(other, 'It works.', '🎉').waitFor();
    expect(await message(page, 'It works.').getAttribute('aria-label')).toMatch(/: It works\., sent, 👍 2, 🎉 1$/);
    // Who it was.
    await menu(page, 'It works.', 'Who has reacted');
    const dialog = page.getByRole('dialog', { name: 'Who has reacted' });
    await dialog.getByRole('listitem').filter({ hasText: 'Alan Lovelace' }).waitFor();
    expect(await dialog.getByRole('listitem').allInnerTexts()).toHaveLength(2);
    await dialog.getByRole('button', { name: '🎉' }).click();
    await expect.poll(() => dialog.getByRole('listitem').allInnerTexts()).toEqual([expect.stringContaining('You')]);
    await page.keyboard.press('Escape');
    await chip(page, 'It works.', '👍').hover();
    await expect.poll(() => chip(page, 'It works.', '👍').getAttribute('title')).toBe('You and Alan Lovelace');
    // Taken back, it is gone for all.
    await chip(page, 'It works.', '🎉').click();
    await chip(other, 'It works.', '🎉').waitFor({ state: 'detached' });
    // It is there after a reload, and for whoever comes later.
    const late = await walk().enter(grace, `/group/${id}`);
    await chip(late, 'It works.', '👍').filter({ hasText: '2' }).waitFor();
    // A sixth of one's own is refused, and why is said under the message.
    for (const name of ['Heart', 'Laughing', 'Party', 'Astonished', 'Crying']) {
      await tool(late, 'It works.', 'More for this message');
      await late.getByRole('menuitemcheckbox', { name }).click();
    }
    await expect.poll(() => message(late, 'It works.').locator('.reaction[aria-pressed=true]').count()).toBe(5);
    await chip(late, 'It works.', '👍').click();
    await message(late, 'It works.').getByRole('alert').filter({ hasText: 'Not added' }).waitFor();
    await expect.poll(() => chip(late, 'It works.', '👍').getAttribute('aria-pressed')).toBe('false');
    for (const one of [page, other, late]) await one.context().close();
  });

  it('works with a finger: held, a message has its menu; a chip is pressed', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const id = await group([ada, alan]);
    const page = await walk().enter(ada, `/group/${id}`, PHONE);
    const other = await walk().enter(alan, `/group/${id}`);
    await say(other, 'from a desk');
    await message(page, 'from a desk').dispatchEvent('contextmenu');
    await page.getByRole('menuitemcheckbox', { name: 'More emoji' }).tap();
    await page.locator('[data-sign]', { hasText: '😀' }).tap();
    await chip(other, 'from a desk', '😀').waitFor();
    await chip(page, 'from a desk', '😀').tap();
    await chip(other, 'from a desk', '😀').waitFor({ state: 'detached' });
    await message(page, 'from a desk').dispatchEvent('contextmenu');
    await page.getByRole('menuitem', { name: 'Reply' }).tap();
    // The author is not told of it this time, nor the next.
    await page.getByRole('button', { name: 'Tell Alan of it' }).tap();
    await composer(page).fill('from a train');
    await page.getByRole('button', { name: 'Send' }).tap();
    await quote(other, 'from a train').filter({ hasText: 'from a desk' }).waitFor();
    await message(page, 'from a desk').first().dispatchEvent('contextmenu');
    await page.getByRole('menuitem', { name: 'Reply' }).tap();
    expect(await page.getByRole('button', { name: 'Tell Alan of it' }).getAttribute('aria-pressed')).toBe('false');
    await page.context().close();
    await other.context().close();
  });

  it('copies the link of a message, which leads a member to it and nobody else anywhere', async () => {
    const [ada, alan, grace] = [await walk().join('Ada'), await walk().join('Alan'), await walk().join('Grace')];
    const id = await group([ada, alan]);
    const page = await walk().enter(ada, `/group/${id}`);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await say(page, 'the one to find');
    await isSent(page, 'the one to find');
    for (let i = 0; i < 3; i++) await say(page, `after it ${i}`);
    await isSent(page, 'after it 2');
    await menu(page, 'the one to find', 'Copy link');
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toBe(`${walk().url}/group/${id}?at=1`);
    const other = await walk().enter(alan, new URL(link).pathname + new URL(link).search);
    await other.locator('.flash', { hasText: 'the one to find' }).waitFor();
    // In a text it opens in place.
    await say(other, `see ${link}`);
    await message(page, 'see http').getByRole('link').click();
    await page.locator('.flash', { hasText: 'the one to find' }).waitFor();
    const stranger = await walk().enter(grace, new URL(link).pathname + new URL(link).search);
    await stranger.getByRole('heading', { name: 'Engines', level: 1 }).waitFor();
    expect(await stranger.getByText('the one to find').count()).toBe(0);
    for (const one of [page, other, stranger]) await one.context().close();
  });
});
