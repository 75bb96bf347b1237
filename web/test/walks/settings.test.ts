// The settings: name, password, devices, blocked people, logging out with something unsent, erasing the account.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasChromium, message, say, walkFor } from './walk.js';

const path = (page: Page): string => new URL(page.url()).pathname;

describe.skipIf(!hasChromium)('the settings', () => {
  const walk = walkFor();

  it('changes the name and the password, which logs other devices out', async () => {
    const ada = await walk().join('Ada');
    const page = await walk().enter(ada, '/settings');
    const other = await walk().enter(ada);
    await page.getByRole('button', { name: 'Change your name' }).click();
    await page.getByLabel('First name').fill(' ');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Enter your first name.').waitFor();
    // What was typed stays.
    expect(await page.getByLabel('First name').inputValue()).toBe(' ');
    await page.getByLabel('First name').fill('Augusta');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Your name was changed.').waitFor();
    await page.locator('.me', { hasText: 'Augusta Lovelace' }).waitFor();

    await page.getByRole('button', { name: 'Change your password' }).click();
    await page.getByLabel('Current password').fill('not this one');
    await page.getByLabel('New password').fill('several words of mine');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('This is not your password.').waitFor();
    expect(await page.getByLabel('New password').inputValue()).toBe('several words of mine');
    await page.getByLabel('Current password').fill(ada.password);
    await page.getByLabel('New password').fill('password1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('This is one of those that are tried first').waitFor();
    await page.getByLabel('New password').fill('several words of mine');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Your password was changed, and all other devices are logged out.').waitFor();
    await expect.poll(() => path(other)).toBe('/login');
    await page.context().close();
    await other.context().close();
  });

  it('logs another device out, and then all others', async () => {
    const ada = await walk().join('Ada');
    const page = await walk().enter(ada, '/settings');
    const others = [await walk().enter(ada), await walk().enter(ada)];
    await page.reload();
    // The session that the account was made with, and those of the browsers.
    const buttons = page.getByRole('button', { name: /^Log out (Chrome|node)/ });
    await expect.poll(() => buttons.count()).toBe(3);
    // Two at once: neither answer brings the other back.
    const held: (() => void)[] = [];
    await page.route('**/http/sessions/*', (route) => void held.push(() => void route.continue()));
    await buttons.nth(0).click();
    await buttons.nth(2).click();
    await expect.poll(() => held.length).toBe(2);
    held[0]();
    await page.getByText('Chrome on Linux is logged out.').waitFor();
    held[1]();
    await page.getByText('node is logged out.').waitFor();
    await page.unroute('**/http/sessions/*');
    expect(await buttons.count()).toBe(1);
    await expect.poll(() => path(others[1])).toBe('/login');
    await page.getByRole('button', { name: 'Log out all other devices' }).click();
    await page.getByText('All other devices are logged out.').waitFor();
    await expect.poll(() => path(others[0])).toBe('/login');
    expect(await buttons.count()).toBe(0);
    for (const one of [page, ...others]) await one.context().close();
  });

  it('unblocks', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    await ada.put(`/http/users/${alan.id}/block`, {});
    const page = await walk().enter(ada, '/settings');
    await page.getByRole('button', { name: 'Unblock Alan Lovelace' }).click();
    await page.getByText('Alan can write to you again, and you to them.').waitFor();
    await page.getByText('Nobody. Block someone from the menu of a conversation.').waitFor();
    expect((await ada.get('/http/users/blocked')).body).toEqual([]);
    await page.context().close();
  });

  it('asks what becomes of unsent messages before it logs out, and sends those that are kept after the next login', async () => {
    const [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await page.getByText('This is the beginning.').waitFor();
    await walk().kill();
    await say(page, 'Later');
    await message(page, 'Later').locator('.meta', { hasText: 'waiting to be sent' }).waitFor();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByText('1 message has not been sent.').waitFor();
    await page.getByRole('button', { name: 'Keep and log out' }).click();
    await page.getByText('1 message will be sent when you log in.').waitFor();
    await walk().restart();
    await page.getByLabel('Password', { exact: true }).fill(ada.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.locator('a.row', { hasText: 'You: Later' }).waitFor();
    const rooms = () => ada.at(walk().server).get('/http/chat_rooms');
    await expect.poll(async () => (await rooms()).body[0]?.last_message?.message).toBe('Later');
    await page.context().close();
  });

  it('erases the account, by its password alone', async () => {
    const ada = await walk().join('Ada');
    const page = await walk().enter(ada, '/settings');
    await page.getByRole('button', { name: 'Erase…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Erase your account?' });
    await dialog.getByLabel('Password', { exact: true }).fill('not this one');
    await dialog.getByRole('button', { name: 'Erase my account' }).click();
    await dialog.getByText('This is not your password.').waitFor();
    await dialog.getByLabel('Password', { exact: true }).fill(ada.password);
    await dialog.getByRole('button', { name: 'Erase my account' }).click();
    await expect.poll(() => path(page)).toBe('/login');
    // Nothing on this device remembers the address.
    await expect.poll(() => page.getByLabel('E-mail address').inputValue()).toBe('');
    await expect.poll(() => page.evaluate(() => (document.activeElement as HTMLInputElement).name)).toBe('email');
    expect((await ada.get('/http/users/profile')).status).toBe(401);
    await page.context().close();
  });
});
