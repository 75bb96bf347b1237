// Finding people and groups, by the keyboard and on a phone; adding people to a group.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { call, type Person } from '../../../test/support/client.js';
import { composer, hasChromium, PHONE, walkFor } from './walk.js';

const input = (page: Page) => page.getByRole('combobox');
const options = (page: Page) => page.getByRole('option');
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');

const post = (person: Person, body: object) =>
  call(person.target, 'POST', '/http/chat_groups', { token: person.token, body });

describe.skipIf(!hasChromium)('the finder', () => {
  const walk = walkFor();

  it('opens who is meant by the keyboard alone, and gives the focus back where nobody is', async () => {
    const [ada, hannah] = [await walk().join('Ada'), await walk().join('Hannah')];
    await post(hannah, { chat_group_name: 'Harvard Mark I', is_private: false });
    await post(hannah, { chat_group_name: 'Haystacks', is_private: true });
    const page = await walk().enter(ada);
    await page.keyboard.press('Control+K');
    await input(page).fill('ha');
    await expect.poll(() => options(page).count()).toBe(3);
    const rows = await options(page).allInnerTexts();
    // Without the initials, and what Enter does.
    expect(rows.map((row) => row.split('\n').slice(1, 3).join(', '))).toEqual([
      'Hannah Lovelace, Offline',
      'Harvard Mark I, Open, 1 member',
      'Haystacks, Private: ask to be let in',
    ]);
    expect(await page.locator('mark').allInnerTexts()).toEqual(['Ha', 'Ha', 'Ha']);
    // The input keeps the focus, and says which one Enter takes.
    const active = (): Promise<string | null> => input(page).getAttribute('aria-activedescendant');
    const [first] = await options(page).all();
    expect(await active()).toBe(await first.getAttribute('id'));
    await page.keyboard.press('ArrowUp');
    await expect.poll(active).toBe(await options(page).last().getAttribute('id'));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).pathname).toBe(`/with/${hannah.id}`);
    await expect.poll(() => focused(page)).toBe('Write to Hannah');

    await page.keyboard.press('Control+K');
    await input(page).fill('xy');
    await page.getByText('No person or group found for “xy”. Search matches the beginning of names.').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await expect.poll(() => focused(page)).toBe('Write to Hannah');
    await page.context().close();
  });

  it('takes what is found first where Enter came before the answer', async () => {
    const [ada, grace] = [await walk().join('Ada'), await walk().join('Grace')];
    const page = await walk().enter(ada);
    await page.keyboard.press('Control+K');
    await input(page).pressSequentially('grac');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).pathname).toBe(`/with/${grace.id}`);
    await composer(page).waitFor();
    await page.context().close();
  });

  it('fills the screen of a phone, and is left by its button', async () => {
    const page = await walk().enter(await walk().join('Ada'), '/', PHONE);
    await page.getByRole('button', { name: 'Find a person or group' }).click();
    const box = await page.getByRole('dialog').boundingBox();
    expect(box).toEqual({ x: 0, y: 0, width: 390, height: 844 });
    await page.getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.context().close();
  });

  it('adds several to a group, and says beside each what became of them', async () => {
    const [ada, edith, edgar] = [await walk().join('Ada'), await walk().join('Edith'), await walk().join('Edgar')];
    await edgar.put(`/http/users/${ada.id}/block`, {});
    const { body } = await post(ada, { chat_group_name: 'Engines', is_private: true });
    const page = await walk().enter(ada, `/group/${body.id}`);
    await page.getByRole('complementary').getByRole('button', { name: 'Add people' }).click();
    await input(page).fill('ed');
    await expect.poll(() => options(page).count()).toBe(2);
    await options(page).filter({ hasText: 'Edith' }).click();
    await options(page).filter({ hasText: 'Edith' }).filter({ hasText: 'Added' }).waitFor();
    await options(page).filter({ hasText: 'Edgar' }).click();
    await options(page).filter({ hasText: 'Edgar cannot be added: one of you has blocked the other.' }).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    const panel = page.getByRole('complementary', { name: 'About this group' });
    await panel.getByText('Edith Lovelace').waitFor();
    expect(await panel.getByText('Edgar Lovelace').count()).toBe(0);
    const groups: { id: number; is_member: boolean }[] = (await edith.get('/http/chat_groups')).body;
    expect(groups.find(({ id }) => id === body.id)?.is_member).toBe(true);
    await page.context().close();
  });
});
