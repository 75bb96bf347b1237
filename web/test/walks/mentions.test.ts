// Who is named in messages: chosen as one writes, told, listed, and found again.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { call, type Person, send } from '../../../test/support/client.js';
import { composer, hasChromium, isSent, message, PHONE, say, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('mentions', () => {
  const walk = walkFor();

  async function group(name: string, owner: Person, ...others: Person[]): Promise<number> {
    const { body } = await call(walk().server, 'POST', '/http/chat_groups', {
      token: owner.token,
      body: { chat_group_name: name, is_private: true },
    });
    for (const { id } of others)
      await call(walk().server, 'POST', `/http/chat_groups/${body.id}/members`, {
        token: owner.token,
        body: { user_id: id },
      });
    return body.id;
  }
  /** What the group's last message names. */
  const named = async (id: number, reader: Person): Promise<unknown> => {
    const { body } = await call(walk().server, 'GET', `/http/chat_groups/${id}`, { token: reader.token });
    return body.at(-1).mentions;
  };
  /** What was asked for by what came before is drawn. */
  const frames = (page: Page): Promise<unknown> =>
    page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const offers = (page: Page) => page.getByRole('listbox', { name: 'People' }).getByRole('option');

  it('are completed by @, kept with the draft, sent, and told to those who were left out', async () => {
    const people = ['Ada', 'Alan', 'Alan', 'Kim'].map((name) => walk().join(name));
    const [ada, alan, namesake, kim] = await Promise.all(people);
    const id = await group('Engines', ada, alan, namesake, kim);
    const page = await walk().enter(ada, `/group/${id}`);
    await page.getByText('4 members').waitFor();
    const area = composer(page);
    await area.focus();
    await page.keyboard.type('so @');
    await expect.poll(() => offers(page).count()).toBe(4);
    expect(await offers(page).last().innerText()).toMatch(/^everyone\s+All 4 members are told$/);
    await page.keyboard.type('kim');
    await expect.poll(() => offers(page).count()).toBe(1);
    await page.keyboard.press('Tab');
    expect(await area.inputValue()).toBe('so @Kim Lovelace ');
    expect(await offers(page).count()).toBe(0);
    // Two of one name: the one who was chosen is meant.
    await page.keyboard.type('and @Ala');
    await expect.poll(() => offers(page).count()).toBe(2);
    const second = await offers(page).nth(1).getAttribute('id');
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => area.getAttribute('aria-activedescendant')).toBe(second);
    const chosen = (await offers(page).nth(1).locator('.face').getAttribute('class'))!.match(/v\d/)![0];
    const meant = [alan, namesake].find((one) => `v${2 + (one.id % 5)}` === chosen)!;
    await page.keyboard.press('Enter');
    expect(await area.inputValue()).toBe('so @Kim Lovelace and @Alan Lovelace ');
    // Also after a reload; a name that is no more in the text is no mention.
    await page.reload();
    await expect.poll(() => area.inputValue()).toBe('so @Kim Lovelace and @Alan Lovelace ');
    await area.evaluate((element: HTMLTextAreaElement) => element.setSelectionRange(3, 17));
    await area.focus();
    await page.keyboard.press('Delete');
    await area.press('End');
    await page.keyboard.type('tea?');
    await page.keyboard.press('Enter');
    await isSent(page, 'so and @Alan Lovelace tea?');
    expect(await named(id, ada)).toEqual({ user_ids: [meant.id] });

    // Written in full it is chosen, too; and an edit takes a mention away.
    await area.focus();
    await page.keyboard.type('@Kim Lovelace');
    await expect.poll(() => offers(page).count()).toBe(0);
    await page.keyboard.press('Enter');
    await isSent(page, '@Kim Lovelace');
    expect(await named(id, ada)).toEqual({ user_ids: [kim.id] });
    await area.press('ArrowUp');
    await expect.poll(() => area.inputValue()).toBe('@Kim Lovelace');
    await area.fill('Kim');
    await area.press('Enter');
    await message(page, 'edited').waitFor();
    await expect.poll(() => named(id, ada)).toBeUndefined();
    // Nobody is named anew by an edit, so nobody is offered.
    await area.press('ArrowUp');
    await area.fill('Kim and @Al');
    await frames(page);
    expect(await offers(page).count()).toBe(0);
    await area.press('Escape');

    // Whoever has left meanwhile is not told, and one learns that.
    await area.focus();
    await page.keyboard.type('@kim');
    await expect.poll(() => offers(page).count()).toBe(1);
    await page.keyboard.press('Enter');
    await call(walk().server, 'DELETE', `/http/chat_groups/${id}/members/${kim.id}`, { token: ada.token });
    await page.getByText('3 members').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Kim was not told: not a member.').waitFor();
    await page.keyboard.type('@everyone');
    await page.keyboard.press('Enter');
    await isSent(page, '@everyone');
    expect(await named(id, ada)).toEqual({ user_ids: [], everyone: true });
    await page.context().close();
  });

  it('of a person are offered in a room, and none to the helper', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`, PHONE);
    await page.getByText('This is the beginning.').waitFor();
    await composer(page).focus();
    await page.keyboard.type('@');
    await expect.poll(() => offers(page).count()).toBe(1);
    await offers(page).first().tap();
    expect(await composer(page).inputValue()).toBe('@Alan Lovelace ');
    await page.goto(`${walk().url}/helper`);
    await composer(page).focus();
    await page.keyboard.type('@');
    await frames(page);
    expect(await page.getByRole('listbox').count()).toBe(0);
    await page.context().close();
  });

  it('are a place in the list, from the first one on; each leads to its message', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const id = await group('Station', alan, ada);
    const socket = await alan.connect();
    const tell = (text: string, more: object = {}) =>
      send(socket, { chat_type: 'group', chat_group_id: id, message: text, ...more });
    const page = await walk().enter(ada);
    await page.locator('a.row', { hasText: 'Station' }).waitFor();
    const place = page.locator('a.place-of');
    expect(await place.count()).toBe(0);
    await page.goto(`${walk().url}/mentions`);
    await page.getByText('Nobody has mentioned you yet.').waitFor();
    expect(await page.title()).toBe('Mentions · Parley');
    await tell('@Ada Lovelace, the first', { mentions: { user_ids: [ada.id] } });
    const rows = page.locator('.mention-row');
    await expect.poll(() => rows.count()).toBe(1);
    expect((await rows.first().innerText()).replace(/\s+/g, ' ')).toMatch(
      /^AL Alan Lovelace in Station ?, unread \d\d:\d\d @Ada Lovelace, the first$/,
    );
    await place.locator('.count', { hasText: '1' }).waitFor();
    for (let i = 0; i < 60; i++) await tell(`between ${i}`);
    // A reply to one's own names one, too.
    await page.goto(`${walk().url}/group/${id}`);
    await say(page, 'What now?');
    await isSent(page, 'What now?');
    await place.click();
    await page.locator('.mention-row').first().waitFor();
    expect(await page.locator('.mention-row.unread').count()).toBe(0);
    // Whoever is in has read it.
    const isIn = async (): Promise<boolean> => {
      const { body } = await call(walk().server, 'GET', `/http/users/group/${id}`, { token: alan.token });
      return body.find((member: { id: number }) => member.id === ada.id).is_in_group;
    };
    await expect.poll(isIn, { timeout: 15_000 }).toBe(false);
    await tell('This.', { reply_to: 62 });
    await page.locator('.mention-row.unread', { hasText: 'This.' }).waitFor();
    await page.goto(walk().url);
    await page.locator('a.row', { hasText: 'Station' }).locator('.at', { hasText: '1 mention' }).waitFor();
    await place.click();
    await page.getByRole('heading', { name: 'Mentions', level: 1 }).waitFor();
    expect(await place.getAttribute('aria-current')).toBe('page');
    await expect.poll(() => rows.count()).toBe(2);
    // One stop for Tab, and arrows.
    expect(await rows.evaluateAll((all) => all.map((one) => (one as HTMLElement).tabIndex))).toEqual([0, -1]);
    await rows.first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Station', level: 1 }).waitFor();
    await page.locator('.flash', { hasText: '@Ada Lovelace, the first' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Mentions', level: 1 }).waitFor();
    alan.hangUp();
    await page.context().close();
  });

  it('come a page at a time, and say why where they do not', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    for (let i = 1; i <= 130; i++)
      await send(socket, {
        chat_type: 'room',
        other_user_id: ada.id,
        message: `@Ada ${i}`,
        mentions: { user_ids: [ada.id] },
      });
    alan.hangUp();
    const page = await walk().enter(ada);
    await page.locator('a.place-of').locator('.count', { hasText: '99+' }).waitFor();
    await page.route('**/http/mentions*', (route) => route.abort());
    await page.locator('a.place-of').click();
    await page.getByRole('alert').getByText('Could not load your mentions.').waitFor();
    await page.unroute('**/http/mentions*');
    await page.getByRole('button', { name: 'Try again' }).click();
    const rows = page.locator('.mention-row');
    await expect.poll(() => rows.count()).toBe(100);
    expect(await rows.first().locator('.text').innerText()).toBe('@Ada 130');
    await rows.last().scrollIntoViewIfNeeded();
    await expect.poll(() => rows.count()).toBe(130);
    await expect
      .poll(async () => {
        await rows.last().scrollIntoViewIfNeeded();
        return page.getByText('Loading older ones…').count();
      })
      .toBe(0);
    expect(await rows.last().locator('.text').innerText()).toBe('@Ada 1');
    await page.context().close();
  });
});
