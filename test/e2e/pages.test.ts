// The server's own pages in a real browser: what they say, where they lead, and that everybody can read them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PasswordResetService } from '../../src/auth/password-reset.service.js';
import { TOKENS } from '../../src/common/http/page-style.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { TestApp } from '../support/app.js';
import { hasChromium, TestBrowser } from '../support/browser.js';
import { call, linkPath, mailTo, Person } from '../support/client.js';
import { freePort } from '../support/database-server.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
}

it('the pages have the colours and the type of the web client', () => {
  const tokensIn = (css: string): string[] =>
    [...css.matchAll(/(--[\w-]+):\s*([^;}]+)/g)].map(([, name, value]) =>
      `${name}: ${value
        .replaceAll("'", '"')
        .replace(/(^|[^\d])0\./g, '$1.')
        .replace(/\s*([,/])\s*/g, '$1')}`.trim(),
    );
  const client = new Set(tokensIn(readFileSync(new URL('../../web/src/style.css', import.meta.url), 'utf8')));
  const own = tokensIn(TOKENS);
  expect(own.length).toBeGreaterThan(30);
  for (const token of own) expect(client, token).toContain(token);
});

describe.skipIf(!hasChromium)('the pages of the server', () => {
  let app: TestApp;
  let browser: TestBrowser;

  beforeAll(async () => {
    const port = await freePort();
    app = await TestApp.start('sqlite', { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` });
    browser = await TestBrowser.start();
  });
  afterAll(async () => {
    await browser?.stop();
    await app?.stop();
  });

  // Tabs behind others draw nothing, and those of /dev/mail load again and again.
  afterEach(async () => {
    for (const page of browser.context.pages().slice(1)) await page.close();
  });

  /** A tab that keeps what the browser complains of: a style or a script that the page's own policy refuses, say. */
  async function open(path: string): Promise<Page & { complaints: string[] }> {
    const complaints: string[] = [];
    const page = await browser.context.newPage();
    // A busy machine takes its time, to start Swagger UI above all.
    page.setDefaultTimeout(120_000);
    page.on('console', (message) => {
      // The status of an error page is told here, too.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    await page.goto(app.url + path);
    await page.bringToFront();
    return Object.assign(page, { complaints });
  }

  /** Nothing to scroll sideways and nothing for axe to find, on three widths and in both schemes. */
  async function expectReadable(page: Page & { complaints: string[] }): Promise<void> {
    await page.evaluate(AXE);
    for (const width of [320, 390, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const where = `${page.url()} at ${width} px, ${colorScheme}`;
        expect(await page.evaluate('document.documentElement.scrollWidth'), where).toBeLessThanOrEqual(width);
        // What is too narrow for three hundred is seen above; names and contrast depend on the layout alone.
        if (width === 320) continue;
        const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
        const found = violations.flatMap(({ id, nodes }) =>
          nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`),
        );
        expect(found, where).toEqual([]);
      }
    }
    expect(page.complaints).toEqual([]);
    await page.close();
  }

  /** From now on the page stays as it is, for axe to read: it would look for new mails meanwhile. */
  async function withoutRefresh(page: Page): Promise<void> {
    await page.route('**/dev/mail*', async (route) => {
      const response = await route.fetch();
      const { refresh: _, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    });
    await page.reload();
  }

  const text = (page: Page): Promise<string> => page.locator('main').innerText();
  const heightOn = async (page: Page, width: number): Promise<number> => {
    await page.setViewportSize({ width, height: 844 });
    return page.evaluate('document.documentElement.scrollHeight');
  };
  const register = (email: string) =>
    call(app, 'POST', '/http/register', {
      body: { email, password: 'correct horse', first_name: 'Ada', last_name: '' },
    });
  const forgot = async (person: Person, count: number): Promise<string> => {
    await call(app, 'POST', '/http/password/forgot', { body: { email: person.email } });
    return linkPath(await mailTo(app, person.email, count));
  };

  describe('/dev/mail', () => {
    it('says how to get a mail while there is none, and finds new ones by itself', async () => {
      const page = await open('/dev/mail');
      expect(await text(page)).toContain('None yet');
      const way = page.getByRole('link', { name: 'Register by the API' });
      expect(await way.getAttribute('href')).toBe('/http/docs#/account/AuthController_register');

      await register('ada@example.com');
      const button = page.getByRole('link', { name: 'Create my account' });
      await button.waitFor();
      // The one action: the address itself is folded away.
      expect(await page.locator('main a:visible').count()).toBe(1);
      expect(await button.getAttribute('href')).toBe((await mailTo(app, 'ada@example.com')).links[0]);
      expect(await page.locator('time').innerText()).toMatch(/^(just now|a minute ago)$/);
      await withoutRefresh(page);
      await expectReadable(page);
    });

    it('is short on a phone, newest first, and leads to earlier mails', async () => {
      for (let i = 1; i <= 9; i++) {
        await register(`person-${i}@example.com`);
        await mailTo(app, `person-${i}@example.com`);
      }
      const page = await open('/dev/mail');
      await withoutRefresh(page);
      expect(await page.locator('.to b').allInnerTexts()).toEqual(
        [9, 8, 7, 6, 5].map((i) => `person-${i}@example.com`),
      );
      expect(await heightOn(page, 390)).toBeLessThan(2_000);
      await page.getByRole('link', { name: /^\d+ earlier mails$/ }).click();
      expect(await page.locator('.mail').count()).toBeGreaterThanOrEqual(10);
      await page.locator('summary').first().click();
      expect(await page.locator('details[open] pre').innerText()).toContain('/http/register/');
      // It stays open while the page looks for new mails, and so does the choice to close it.
      await page.reload();
      expect(await page.locator('details[open]').count()).toBe(1);
      await page.locator('summary').first().click();
      await expect.poll(() => page.evaluate("sessionStorage.getItem('unfolded')")).toBe('[]');
      await page.reload();
      expect(await page.locator('details[open]').count()).toBe(0);
      await page.locator('summary').first().click();
      await expectReadable(page);
    });
  });

  it('a confirmed account leads on to where one logs in', async () => {
    await register('grace@example.com');
    const page = await open(linkPath(await mailTo(app, 'grace@example.com')));
    expect(await text(page)).toContain('Your account is ready');
    // Without an app, a link would only lead to the documentation.
    expect(await text(page)).toContain(
      `grace@example.com can log in now, with the password that you chose. Go back to the app that you use for ${new URL(app.url).host}.`,
    );
    await expectReadable(page);
  });

  it('a link that is not valid, or has expired, says so in plain words', async () => {
    const unknown = await open('/http/register/nonsense');
    expect(await text(unknown)).toContain('This link is not valid.');
    await expectReadable(unknown);
    await register('late@example.com');
    const path = linkPath(await mailTo(app, 'late@example.com'));
    await app.database.query('UPDATE registrations SET expires_at = ? WHERE email = ?', [
      '2020-01-01 00:00:00.000',
      'late@example.com',
    ]);
    const expired = await open(path);
    expect(await text(expired)).toContain('This link has expired.');
    await expectReadable(expired);
    const again = await open(path);
    await again.getByRole('button', { name: 'Send a new link' }).click();
    await again.getByRole('heading', { name: 'Check your mail' }).waitFor();
    expect(await again.getByRole('link', { name: '/dev/mail' }).getAttribute('href')).toBe('/dev/mail');
    await expectReadable(again);
    const gone = await open('/http/password/reset/nonsense');
    await gone.getByRole('link', { name: 'Ask for a new link' }).click();
    expect(await text(gone)).toContain('Set a new password');
    await gone.close();
  });

  it('a forgotten password: the forms keep what was typed, and say beside the field what is wrong', async () => {
    const person = await Person.join(app);
    const page = await open('/http/password/forgot');
    // The browser's own check lets it pass, the server's does not.
    await page.getByLabel('E-mail address').fill('ada@example.com"@b');
    await page.evaluate('document.forms[0].noValidate = true');
    await page.getByRole('button').click();
    const address = page.getByLabel('E-mail address');
    await page.getByText('Enter an address like ada@example.com.').waitFor();
    expect(await address.inputValue()).toBe('ada@example.com"@b');
    expect(await address.getAttribute('aria-invalid')).toBe('true');
    expect(await address.getAttribute('aria-describedby')).toBe('email-problem');
    expect(await page.evaluate('document.activeElement.id')).toBe('email');
    await address.fill(person.email);
    await page.getByRole('button').click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    expect(await text(page)).toContain(person.email);
    await expectReadable(page);

    const form = await open(linkPath(await mailTo(app, person.email, 2)));
    expect(await text(form)).toContain(`For ${person.email} at ${new URL(app.url).host}.`);
    expect(await text(form)).toContain('At least 8 characters');
    await form.getByLabel('New password').fill('password123');
    await form.getByRole('button').click();
    await form.locator('.err').waitFor();
    expect(await form.locator('.err').innerText()).toContain('This password is one of those that are tried first');
    // It still says whose account it is, and holds the token; the password has to be typed again.
    expect(await form.getByLabel('E-mail address').inputValue()).toBe(person.email);
    expect(await form.content()).not.toContain('password123');
    await form.getByLabel('New password').fill('several quiet words');
    await form.getByRole('button').click();
    await form.getByRole('heading', { name: 'Your password is set' }).waitFor();
    await expectReadable(form);
    await person.login('several quiet words');
    expect(person.token).toBeTypeOf('string');
  });

  it('the forms themselves can be read by everybody, with and without errors', async () => {
    const person = await Person.join(app);
    await expectReadable(await open('/http/password/forgot'));
    const path = await forgot(person, 2);
    await expectReadable(await open(path));
    const refused = await open(path);
    await refused.getByLabel('New password').fill('password123');
    await refused.getByRole('button').click();
    await refused.locator('.err').waitFor();
    expect(await refused.title()).toBe('Choose a new password · Parley');
    await expectReadable(refused);
  });

  it('a password that was taken: the page says for which account it gives the former one back', async () => {
    const person = await Person.join(app);
    await person.put('/http/users/profile', { first_name: 'Ada', last_name: '', password: 'taken over at once' });
    const path = linkPath(await mailTo(app, person.email, 2));
    const page = await open(path);
    expect(await text(page)).toContain(`For ${person.email} at`);
    await expectReadable(page);
    const again = await open(path);
    await again.getByRole('button', { name: 'Take the new password back' }).click();
    await again.getByRole('heading', { name: 'Your former password is back' }).waitFor();
    await expectReadable(again);
  });

  it('too many tries are told in minutes, and the address is kept', async () => {
    const port = await freePort();
    const strict = await TestApp.start('sqlite', {
      PORT: String(port),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      RATE_LIMITS: 'on',
    });
    const page = await browser.open(`${strict.url}/http/password/forgot`);
    const limits = strict.get(RateLimits);
    expect(() => Array.from({ length: 1_000 }, () => limits.stranger('127.0.0.1'))).toThrow('Too many');
    await page.getByLabel('E-mail address').fill('ada@example.com');
    await page.getByRole('button').click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/^Too many tries\. Try again in \d+ (second|minute)s?\.$/);
    expect(await page.getByLabel('E-mail address').inputValue()).toBe('ada@example.com');
    await expectReadable(Object.assign(page, { complaints: [] }));
    await strict.stop();
  });

  it('what goes wrong on the server is a page for people, too', async () => {
    vi.spyOn(app.get(PasswordResetService), 'assertUsable').mockRejectedValueOnce(new TypeError('a mistake of ours'));
    const page = await open('/http/password/reset/nonsense');
    expect(await text(page)).toContain('Something went wrong.');
    await expectReadable(page);
  });

  describe('/http/docs', () => {
    // Swagger UI does not begin in a browser that has shown all of the pages above; why is not known.
    beforeAll(async () => {
      await browser.stop();
      browser = await TestBrowser.start();
    });

    it('begins with where to start and with accounts, and can be read and tried on a phone', async () => {
      const page = await open('/http/docs');
      await page.locator('.opblock-tag').first().waitFor();
      expect(await page.title()).toBe('API · Parley');
      expect(await page.locator('.start').innerText()).toContain('POST /http/register');
      expect((await page.locator('.opblock-tag').allInnerTexts())[0]).toContain('account');
      await expectReadable(page);

      const phone = await open('/http/docs');
      await phone.setViewportSize({ width: 390, height: 844 });
      await phone.reload();
      await phone.locator('.opblock-tag').first().waitFor();
      expect(await heightOn(phone, 390)).toBeLessThan(2_000);
      await phone.getByRole('link', { name: 'POST /http/login' }).click();
      const route = phone.locator('#operations-account-AuthController_login');
      await route.getByRole('button', { name: 'Try it out' }).click();
      await route.getByRole('button', { name: 'Execute' }).click();
      await route.locator('.live-responses-table').getByText('login_failed').first().waitFor();
      // Swagger UI warns of underscores in addresses.
      phone.complaints.length = 0;
      await expectReadable(phone);

      const dialog = await open('/http/docs');
      await dialog.getByRole('button', { name: 'Authorize' }).click();
      await dialog.getByRole('dialog').waitFor();
      await expectReadable(dialog);
    });
  });

  describe('/http/docs/events', () => {
    it('is a list of distinct names on a phone, and opens where a link leads', async () => {
      const page = await open('/http/docs/events');
      expect(await heightOn(page, 390)).toBeGreaterThan(0);
      await page.reload();
      expect(await heightOn(page, 390)).toBeLessThan(4_000);
      const names = await page.locator('h3').allInnerTexts();
      expect(names.length).toBeGreaterThan(30);
      expect(new Set(names).size).toBe(names.length);
      await page.locator('.fold > summary').click();
      await page.locator('.fold').getByRole('link', { name: 'Send a direct message' }).click();
      const entry = page.locator('.entry', { has: page.locator('#receive_message_SendRoomMessage') });
      expect(await entry.getAttribute('open')).not.toBeNull();
      expect(await entry.locator('pre').innerText()).toContain('"other_user_id": 2');
      await expectReadable(page);
    });

    it('is found in by any word, and stands open beside its list on a wide screen', async () => {
      const page = await open('/http/docs/events');
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.reload();
      expect(await page.locator('.entry:not([open])').count()).toBe(0);
      await page.evaluate('scrollTo(0, 5000)');
      const { y } = (await page.getByRole('navigation', { name: 'All events', exact: true }).boundingBox())!;
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThan(900);
      await page.getByLabel('Find an event or a field').fill('is_enter');
      expect(await page.locator('.entry:visible h3').allInnerTexts()).toEqual(['Enter or leave a group message']);
      expect(await page.getByRole('status').innerText()).toBe('One entry');
      await page.getByLabel('Find an event or a field').fill('nothing like it');
      expect(await page.getByRole('status').innerText()).toBe('Nothing found.');
      await page.getByLabel('Find an event or a field').fill('');
      await expectReadable(page);
    });
  });
});
