// Another e-mail address: asked for in the settings, used from the mail, and logged in with.
import { describe, expect, it } from 'vitest';
import { linkPath, mailTo } from '../../../test/support/client.js';
import { checkHere } from './axe.js';
import { asked, OPERATED, operator } from './operator.js';
import { hasChromium, PHONE, Walk, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('the e-mail address', () => {
  const walk = walkFor(() => Walk.start('sqlite', OPERATED));

  it('changes by the link that goes to the new one', async () => {
    const ada = await walk().join('Ada');
    const page = await walk().enter(ada, '/settings');
    const change = page.getByRole('button', { name: 'Change your e-mail address' });
    const field = page.getByLabel('New e-mail address');
    const password = page.getByLabel('Password', { exact: true });
    const save = page.getByRole('button', { name: 'Save' });
    await change.click();
    for (const [address, word, text] of [
      ['nowhere', 'x', 'Enter an address like ada@example.com.'],
      ['new@example.com', '', 'Enter your password.'],
      ['new@example.com', 'not it', 'This is not your password.'],
      [ada.email, ada.password, 'This is your address already.'],
    ] as const) {
      await field.fill(address);
      await password.fill(word);
      await save.click();
      await page.getByText(text).waitFor();
    }
    await checkHere(page, 'another address');
    await page.setViewportSize(PHONE.viewport!);
    await checkHere(page, 'another address');
    await field.fill('new@example.com');
    await save.click();
    await page.getByText('A link is on its way to new@example.com.').waitFor();
    // The focus is where it was opened.
    expect(await change.evaluate((button) => button === document.activeElement)).toBe(true);
    const mail = await mailTo(walk().server, 'new@example.com');
    const other = await page.context().newPage();
    await other.goto(walk().url + linkPath(mail));
    await other.getByRole('button', { name: 'Use this address' }).click();
    await other.getByText('Your address is changed').first().waitFor();
    await other.close();
    await page.reload();
    await page.locator('.set', { hasText: 'new@example.com' }).waitFor();
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await expect.poll(() => page.getByLabel('E-mail address').inputValue()).toBe('new@example.com');
    await page.getByLabel('Password', { exact: true }).fill(ada.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.locator('.app').waitFor();
    await page.context().close();
  });

  it('is of a domain that the server takes, when it is asked for and when the link is used', async () => {
    const boss = await operator(walk().server);
    const set = (settings: object) => asked(walk().server, boss, 'PUT', '/http/admin/settings', settings);
    const ada = await walk().join('Ada');
    await asked(walk().server, ada, 'POST', '/http/users/profile/email', {
      email: 'early@example.com',
      password: ada.password,
    });
    const link = linkPath(await mailTo(walk().server, 'early@example.com'));
    await set({ registration: 'domains', allowed_domains: ['example.org'] });
    const page = await walk().enter(ada, '/settings', PHONE);
    await page.getByRole('button', { name: 'Change your e-mail address' }).tap();
    const field = page.getByLabel('New e-mail address');
    // Said before it is tried, too.
    await page.getByText('This server takes only addresses of some domains. A link goes there.').waitFor();
    await field.fill('other@example.com');
    await page.getByLabel('Password', { exact: true }).fill(ada.password);
    await page.getByRole('button', { name: 'Save' }).tap();
    await page.getByText('This server takes only addresses of some domains.', { exact: true }).waitFor();
    expect(await field.evaluate((input) => input === document.activeElement)).toBe(true);
    expect(await field.inputValue()).toBe('other@example.com');
    await checkHere(page, 'an address of a domain that is not taken');
    await field.fill('other@example.org');
    await page.getByRole('button', { name: 'Save' }).tap();
    await page.getByText('A link is on its way to other@example.org.').waitFor();

    await page.goto(walk().url + link);
    await page.getByRole('button', { name: 'Use this address' }).tap();
    await page.getByRole('heading', { name: 'Not with this address.' }).waitFor();
    await page.getByText('Nothing was changed.').waitFor();
    await checkHere(page, 'the page of an address that is not taken');
    await page.context().close();
  });
});
