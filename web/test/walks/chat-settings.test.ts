// How one wants to be told of a conversation, and where one keeps it; and what that makes of the list.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { call, type Person, send } from '../../../test/support/client.js';
import { composer, hasChromium, message, PHONE, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('the settings of a conversation', () => {
  const walk = walkFor();

  const row = (page: Page, name: string) => page.locator('a.row', { hasText: name });
  /** The names in the list, from above, with the headings between them. */
  const list = (page: Page): Promise<string[]> =>
    page.locator('.list').locator('.of, .row .name bdi, .fold .what').allInnerTexts();
  async function openMenu(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menu').waitFor();
  }
  async function choose(page: Page, role: 'menuitem' | 'menuitemradio' | 'menuitemcheckbox', name: string) {
    await openMenu(page);
    await page.getByRole(role, { name, exact: true }).click();
    await page.getByRole('menu').waitFor({ state: 'detached' });
  }
  async function write(from: Person, to: Person, text: string): Promise<void> {
    const socket = await from.connect();
    await send(socket, { chat_type: 'room', other_user_id: to.id, message: text });
    from.hangUp();
  }
  const settings = async (person: Person) => {
    const { body } = await call(walk().server, 'GET', '/http/chat_rooms', { token: person.token });
    return body[0];
  };
  /** Until the server knows that all is read: a page that goes elsewhere before takes that along. */
  async function allRead(page: Page, name: string): Promise<void> {
    await row(page, name).waitFor();
    await row(page, name).locator('.count').waitFor({ state: 'detached' });
  }

  it('are in its menu: muted, told of, favourite, archived', async () => {
    const [ada, alan, grace] = [await walk().join('Ada'), await walk().join('Alan'), await walk().join('Grace')];
    await write(grace, ada, 'from Grace');
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await page.getByText('This is the beginning.').waitFor();
    // Before the first message there is nothing to set.
    await openMenu(page);
    expect(await page.getByRole('menuitem').allInnerTexts()).toEqual(['Block Alan']);
    await page.keyboard.press('Escape');
    await write(alan, ada, 'from Alan');
    await message(page, 'from Alan').waitFor();

    await openMenu(page);
    await page.getByRole('menuitem', { name: 'Mute…' }).click();
    await page.getByRole('menu', { name: 'Mute' }).waitFor();
    expect((await page.getByRole('menuitem').allInnerTexts()).map((text) => text.split('\n')[0])).toEqual([
      'For 1 hour',
      'For 8 hours',
      'Until tomorrow morning',
      'Until I turn it back on',
    ]);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await row(page, 'Alan').locator('.hushed', { hasText: ', muted' }).waitFor();
    const until = new Date((await settings(ada)).muted_until);
    expect(until.getTime()).toBeGreaterThan(Date.now());
    expect(until.getTime()).toBeLessThan(Date.now() + 48 * 3_600_000);
    await openMenu(page);
    await page.getByRole('menuitem', { name: /^Unmute\s*Muted until tomorrow, 08:00$/ }).click();
    await expect.poll(() => page.locator('.hushed').count()).toBe(0);
    expect((await settings(ada)).muted_until).toBeUndefined();

    // Keys alone: the levels are one choice of three.
    await openMenu(page);
    const levels = page.getByRole('group', { name: 'Tell me about' }).getByRole('menuitemradio');
    const checked = (): Promise<(string | null)[]> =>
      levels.evaluateAll((all) => all.map((one) => `${one.textContent} ${one.getAttribute('aria-checked')}`));
    expect(await checked()).toEqual(['Every message true', 'Mentions only false', 'Nothing false']);
    await levels.filter({ hasText: 'Every message' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await expect.poll(async () => (await settings(ada)).notify).toBe('mentions');
    await openMenu(page);
    expect(await checked()).toEqual(['Every message false', 'Mentions only true', 'Nothing false']);
    await page.keyboard.press('Escape');
    // The focus is where it was.
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('More');

    expect(await list(page)).toEqual(['Alan Lovelace', 'Grace Lovelace', 'Helper']);
    await page.goto(`${walk().url}/with/${grace.id}`);
    await allRead(page, 'Grace');
    await choose(page, 'menuitemcheckbox', 'Favourite');
    await expect.poll(() => list(page)).toEqual(['Favourites', 'Grace Lovelace', 'Others', 'Alan Lovelace', 'Helper']);
    await openMenu(page);
    expect(await page.getByRole('menuitemcheckbox', { name: 'Favourite' }).getAttribute('aria-checked')).toBe('true');
    await page.keyboard.press('Escape');
    // A draft moves nothing, and neither does what comes to another section.
    await write(alan, ada, 'again from Alan');
    await row(page, 'again from Alan').locator('.count').waitFor();
    expect((await list(page)).slice(0, 2)).toEqual(['Favourites', 'Grace Lovelace']);
    // On all devices.
    const other = await walk().enter(ada, '/', PHONE);
    await expect.poll(async () => (await list(other)).slice(0, 2)).toEqual(['Favourites', 'Grace Lovelace']);

    await choose(page, 'menuitem', 'Archive');
    await expect.poll(() => list(page)).toEqual(['Alan Lovelace', 'Helper', 'Archived (1)']);
    await expect.poll(() => list(other)).toEqual(['Alan Lovelace', 'Helper', 'Archived (1)']);
    // What comes takes nothing out of the archive; its row says how much it is.
    await page.goto(`${walk().url}/with/${alan.id}`);
    await write(grace, ada, 'from the archive');
    const fold = page.locator('.fold');
    await fold.locator('.count', { hasText: '1' }).waitFor();
    await page.waitForFunction(() => document.title.startsWith('(1) '));
    expect(await row(page, 'Grace').count()).toBe(0);
    await fold.focus();
    await page.keyboard.press('Enter');
    await row(page, 'from the archive').locator('.count').waitFor();
    expect(await fold.getAttribute('aria-expanded')).toBe('true');
    // The keys go the way that one sees.
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toContain('Grace Lovelace');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Grace Lovelace', level: 1 }).waitFor();
    await page.keyboard.press('Alt+ArrowUp');
    await page.getByRole('heading', { name: 'Helper', level: 1 }).waitFor();
    await page.keyboard.press('Alt+ArrowDown');
    await page.getByRole('heading', { name: 'Grace Lovelace', level: 1 }).waitFor();
    await choose(page, 'menuitem', 'Take out of the archive');
    await expect.poll(async () => (await list(page)).slice(0, 2)).toEqual(['Favourites', 'Grace Lovelace']);
    await Promise.all([page, other].map((one) => one.context().close()));
  });

  it('say why they were not changed, in the menu, which is a sheet on a phone', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`, PHONE);
    await composer(page).fill('hello');
    await page.getByRole('button', { name: 'Send' }).tap();
    await message(page, 'hello').waitFor();
    await openMenu(page);
    await page.getByRole('menuitem', { name: 'Mute…' }).tap();
    const sheet = await page.getByRole('menu', { name: 'Mute' }).boundingBox();
    expect(Math.round(sheet!.y + sheet!.height)).toBe(844);
    expect(sheet!.width).toBe(390);
    const item = await page.getByRole('menuitem', { name: 'For 1 hour' }).boundingBox();
    expect(item!.height).toBeGreaterThanOrEqual(44);
    await page.context().setOffline(true);
    await page.getByRole('menuitem', { name: 'For 1 hour' }).tap();
    await page.getByRole('menu').getByRole('alert').waitFor();
    await page.context().setOffline(false);
    await page.context().close();
  });

  it('make the count of what is muted grey, but for a mention, which is rust', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const { body: group } = await call(walk().server, 'POST', '/http/chat_groups', {
      token: alan.token,
      body: { chat_group_name: 'Tea', is_private: false },
    });
    await call(walk().server, 'POST', `/http/chat_groups/${group.id}/members`, {
      token: alan.token,
      body: { user_id: ada.id },
    });
    await call(walk().server, 'PUT', '/http/chat_settings', {
      token: ada.token,
      body: { chat_group_id: group.id, muted_until: '9999-01-01T00:00:00Z' },
    });
    const page = await walk().enter(ada);
    const socket = await alan.connect();
    const tell = (text: string, mentions?: object) =>
      send(socket, { chat_type: 'group', chat_group_id: group.id, message: text, ...(mentions && { mentions }) });
    await tell('to nobody');
    const tea = row(page, 'Tea');
    await tea.locator('.count.quiet', { hasText: '1' }).waitFor();
    expect(await tea.locator('.at').count()).toBe(0);
    await tell('@Ada Lovelace: tea?', { user_ids: [ada.id] });
    await tea.locator('.at', { hasText: '1 mention' }).waitFor();
    await tea.locator('.count.quiet', { hasText: '2' }).waitFor();
    const colour = (selector: string, property: string): Promise<string> =>
      tea.locator(selector).evaluate((one, name) => getComputedStyle(one).getPropertyValue(name), property);
    const rust = await page.evaluate(() => {
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = 'var(--signal)';
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    });
    expect(await colour('.at', 'color')).toBe(rust);
    expect(await colour('.count', 'background-color')).not.toBe(rust);
    // Told of nothing: the mention calls nobody, either.
    await call(walk().server, 'PUT', '/http/chat_settings', {
      token: ada.token,
      body: { chat_group_id: group.id, muted_until: null, notify: 'none' },
    });
    await tea.locator('.at.quiet').waitFor();
    await tea.locator('.hushed', { hasText: ', silent' }).waitFor();
    alan.hangUp();
    await page.context().close();
  });
});
