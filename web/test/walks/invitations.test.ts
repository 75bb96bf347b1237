// Who may register: what the page says where not everybody may, and what an invitation's link does.
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { linkPath, mailTo, type Person } from '../../../test/support/client.js';
import { check } from './axe.js';
import { asked, OPERATED, operator } from './operator.js';
import { hasChromium, Walk, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('whoever wants to register', () => {
  const walk = walkFor(() => Walk.start('sqlite', OPERATED));
  let boss: Person;
  beforeAll(async () => {
    boss = await operator(walk().server);
  });

  const set = (settings: object) => asked(walk().server, boss, 'PUT', '/http/admin/settings', settings);
  async function invite(): Promise<{ id: number; token: string; path: string }> {
    const { body } = await asked(walk().server, boss, 'POST', '/http/admin/invites', {});
    const { pathname, hash } = new URL(body.url);
    return { id: body.id, token: body.token, path: pathname + hash };
  }

  const open = async (path: string): Promise<Page> => walk().page(await walk().context(), path);
  const form = (page: Page) => page.getByRole('button', { name: 'Make my account' });
  async function fill(page: Page, email: string): Promise<void> {
    await page.getByLabel('First name').fill('Ada');
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
    await form(page).click();
  }

  it('is told who may, and finds no form that would be refused', async () => {
    for (const [settings, text] of [
      [{ registration: 'closed' }, 'This server takes no new accounts. Ask those who run it for an invitation.'],
      [{ registration: 'invite' }, 'This server is for those who are invited.'],
    ] as const) {
      await set(settings);
      const page = await open('/register');
      await page.getByText(text).waitFor();
      expect(await form(page).count()).toBe(0);
      await check(page, `a server that is ${settings.registration}`);
      await page.context().close();
    }
    await set({ registration: 'domains', allowed_domains: ['example.org'] });
    const page = await open('/register');
    await page.getByText('Only addresses of some domains can register here.').waitFor();
    await fill(page, 'ada@example.com');
    await page.getByText('Addresses of this domain cannot register here.').waitFor();
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).name)).toBe('email');
    await fill(page, 'ada@example.org');
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await page.context().close();
  });

  it('comes in by an invitation, also after a look at the login, and once', async () => {
    await set({ registration: 'closed' });
    const { path } = await invite();
    // The link may come to a tab that has looked before: nothing but what stands behind the # is new.
    const page = await open('/register');
    await page.getByText('This server takes no new accounts.').waitFor();
    await page.goto(walk().url + path);
    await page.getByText('You have an invitation.').waitFor();
    await check(page, 'an invitation');
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.getByRole('link', { name: 'Create an account' }).click();
    await page.getByText('You have an invitation.').waitFor();
    await fill(page, 'guest@example.com');
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    const link = linkPath(await mailTo(walk().server, 'guest@example.com'));
    const other = await page.context().newPage();
    await other.goto(walk().url + link);
    await other.getByRole('heading', { name: 'You are in.' }).waitFor();
    await page.locator('.app').waitFor();
    await page.context().close();
    // Used up.
    const late = await open(path);
    await fill(late, 'late@example.com');
    await late.getByText('This invitation is not valid, or not any more. Ask for another one.').waitFor();
    expect(await form(late).count()).toBe(0);
    // The focus is not lost with the form.
    expect(await late.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('alert');
    await check(late, 'an invitation that is refused');
    await late.context().close();
  });

  it('is told when the invitation ended before the link in the mail was opened', async () => {
    await set({ registration: 'invite' });
    const { id, path } = await invite();
    const page = await open(path);
    await fill(page, 'slow@example.com');
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await asked(walk().server, boss, 'DELETE', `/http/admin/invites/${id}`);
    await page.goto(walk().url + linkPath(await mailTo(walk().server, 'slow@example.com')));
    await page.getByRole('heading', { name: 'Your invitation has ended.' }).waitFor();
    await page.context().close();
  });

  it('is told when their domain is not taken any more by the time the link in the mail is opened', async () => {
    await set({ registration: 'open' });
    const page = await open('/register');
    await fill(page, 'moved@example.com');
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await set({ registration: 'domains', allowed_domains: ['example.org'] });
    await page.goto(walk().url + linkPath(await mailTo(walk().server, 'moved@example.com')));
    await page.getByRole('heading', { name: 'Not with this address.' }).waitFor();
    await check(page, 'an address of a domain that is not taken');
    await page.context().close();
  });

  it('goes on without an invitation where everybody may', async () => {
    await set({ registration: 'open' });
    const page = await open('/register#invite=nonsense');
    await fill(page, 'open@example.com');
    await page
      .getByRole('alert')
      .getByText('This invitation is not valid, or not any more. You can make an account without one.')
      .waitFor();
    expect(await page.getByLabel('E-mail address').inputValue()).toBe('open@example.com');
    await form(page).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await page.context().close();
  });
});
