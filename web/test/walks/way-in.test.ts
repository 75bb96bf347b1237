// The way in, as somebody walks it who has never been here: register, mail, welcome, in; and what goes wrong on it.
import type { Locator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { call, linkPath, mailTo, send } from '../../../test/support/client.js';
import { composer, hasChromium, isSent, message, PHONE, say, Walk, walkFor } from './walk.js';

describe.skipIf(!hasChromium)('the way in', () => {
  const walk = walkFor(() => Walk.start('sqlite', { MOTD: 'We are away on Sunday.\nFrom ten to eleven.' }));

  it('leads from nothing to the first message, with nothing typed twice', async () => {
    const context = await walk().context();
    const page = await walk().page(context);
    // Clicks and fields are counted: at most twelve.
    let steps = 0;
    const fill = async (label: string, text: string): Promise<void> => {
      steps++;
      await page.getByLabel(label, { exact: true }).fill(text);
    };
    const click = async (name: string): Promise<void> => {
      steps++;
      await page.getByRole('link', { name }).or(page.getByRole('button', { name })).first().click();
    };
    await click('Create an account');
    await fill('First name', 'Ada');
    await fill('Last name', 'Lovelace');
    // As people write it; the server keeps it in lower case.
    await fill('E-mail address', 'Ada@Example.com');
    await fill('Password', 'correct horse battery');
    await click('Make my account');
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await expect.poll(() => page.getByText('Ada@Example.com').isVisible()).toBe(true);
    await expect.poll(() => page.getByRole('link', { name: '/dev/mail' }).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: /Send again/ }).isDisabled()).toBe(true);
    // The link opens in another tab, which says what happened; the first one goes on by itself.
    steps++;
    const link = await walk().page(context, linkPath(await mailTo(walk().server, 'ada@example.com')));
    await link.getByRole('heading', { name: 'You are in.' }).waitFor();
    expect(new URL(link.url()).pathname).toBe('/welcome');
    await page.getByText('It is quiet here, Ada.').waitFor();
    await click('Ask the helper');
    await composer(page).waitFor();
    steps++;
    await say(page, 'hello');
    await message(page, 'hello').locator('.meta svg').waitFor();
    expect(steps).toBeLessThanOrEqual(12);
    // Somebody follows the invitation meanwhile: who comes back is not alone any more.
    await link.getByRole('button', { name: 'Go on here' }).click();
    await link.getByText('It is quiet here, Ada.').waitFor();
    await walk().join('Alan');
    await link.evaluate(() => dispatchEvent(new Event('focus')));
    await link.getByText('One other person is here.').waitFor();
    await context.close();
  });

  it('waits for a link that is opened on another device', async () => {
    const context = await walk().context();
    const page = await walk().page(context, '/register');
    await page.getByLabel('First name').fill('Grace');
    await page.getByLabel('E-mail address').fill('grace@example.com');
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
    await page.getByRole('button', { name: 'Make my account' }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    const phone = await walk().context(PHONE);
    const there = await walk().page(phone, linkPath(await mailTo(walk().server, 'grace@example.com')));
    await there.getByRole('link', { name: 'Log in' }).click();
    await expect.poll(() => there.getByLabel('E-mail address').inputValue()).toBe('grace@example.com');
    // Coming back to the tab is enough.
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.locator('.app').waitFor();
    await context.close();
    await phone.close();
  });

  it('leads somebody who was invited from the link in the mail, opened on a phone, to the first message', async () => {
    await walk().join('Ada');
    const email = 'invited@example.com';
    const password = 'correct horse battery';
    const body = { email, password, first_name: 'Charles', last_name: '' };
    await call(walk().server, 'POST', '/http/register', { body });
    const context = await walk().context(PHONE);
    // Taps and fields are counted, the link among them: at most eight.
    let steps = 1;
    const page = await walk().page(context, linkPath(await mailTo(walk().server, email)));
    const tap = async (what: Locator): Promise<void> => {
      steps++;
      await what.tap();
    };
    const fill = async (what: Locator, text: string): Promise<void> => {
      steps++;
      await what.fill(text);
    };
    await tap(page.getByRole('link', { name: 'Log in' }));
    await fill(page.getByLabel('Password', { exact: true }), password);
    await tap(page.getByRole('button', { name: 'Log in' }));
    await tap(page.getByRole('button', { name: 'Find someone' }));
    await tap(page.getByRole('option', { name: 'Ada Lovelace' }).first());
    await fill(composer(page), 'I am in');
    await tap(page.getByRole('button', { name: 'Send' }));
    await isSent(page, 'I am in');
    expect(steps).toBeLessThanOrEqual(8);
    await context.close();
  });

  it('keeps what was typed, and says beside the field what is wrong', async () => {
    const ada = await walk().join('Ada');
    const context = await walk().context();
    const page = await walk().page(context, '/login');
    await page.getByLabel('E-mail address').fill('ada');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Enter an address like ada@example.com.').waitFor();
    await page.getByLabel('E-mail address').fill(ada.email);
    await page.getByLabel('Password', { exact: true }).fill('wrong horse');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Wrong e-mail address or password.').waitFor();
    const password = page.getByLabel('Password', { exact: true });
    expect(await password.inputValue()).toBe('wrong horse');
    expect(await password.evaluate((input) => input === document.activeElement)).toBe(true);
    expect(await password.getAttribute('aria-invalid')).toBe('true');
    await page.getByRole('button', { name: 'Show the password' }).click();
    expect(await password.getAttribute('type')).toBe('text');
    await page.goto(`${walk().url}/register`);
    await page.getByLabel('First name').fill('Ada');
    await page.getByLabel('E-mail address').fill('new@example.com');
    await page.getByLabel('Password', { exact: true }).fill('password1');
    await page.getByRole('button', { name: 'Make my account' }).click();
    // In the server's words, beside the password.
    await page.locator('.field.bad', { hasText: 'Password' }).waitFor();
    expect(await page.getByLabel('E-mail address').inputValue()).toBe('new@example.com');
    // The first of several takes the focus; what the form does not have is said below it.
    await page.route('**/http/register', (route) =>
      route.fulfill({
        status: 400,
        json: {
          code: 'invalid',
          message: '',
          fields: { email: ['is odd'], last_name: ['is too long'], invitation: ['is required'] },
        },
      }),
    );
    await page.getByLabel('Password', { exact: true }).fill('several words of mine');
    await page.getByRole('button', { name: 'Make my account' }).click();
    await page.getByRole('alert').getByText('invitation is required.').waitFor();
    await page.locator('.field.bad', { hasText: 'This is odd.' }).waitFor();
    const lastName = page.getByLabel('Last name');
    await expect.poll(() => lastName.evaluate((input) => input === document.activeElement)).toBe(true);
    await context.close();
  });

  it('says what the operator says, until one has read it', async () => {
    const words = 'We are away on Sunday.\nFrom ten to eleven.';
    const context = await walk().context();
    const page = await walk().page(context, '/login');
    await page.getByText('We are away on Sunday.').waitFor();
    expect(await page.locator('.note', { hasText: 'Sunday' }).innerText()).toBe(words);
    await context.close();
    const inside = await walk().enter(await walk().join('Ada'));
    const line = inside.locator('.invitation');
    await line.getByText('We are away on Sunday.').waitFor();
    await line.getByRole('button', { name: 'Close' }).click();
    await inside.reload();
    await inside.getByText('Ask me something').waitFor();
    // The server has said it again by now, since it says in the same answer where mails are.
    await inside.getByText('Send them this address').waitFor();
    expect(await line.getByText('Sunday').count()).toBe(0);
    await inside.context().close();
  });

  it('tells who is logged in as somebody else that another account stands, and changes to it', async () => {
    const alan = await walk().join('Alan');
    const page = await walk().enter(alan);
    await page.goto(`${walk().url}/welcome#email=${encodeURIComponent(alan.email.toUpperCase())}`);
    await page.getByRole('heading', { name: 'You are in.' }).waitFor();
    await page.goto(`${walk().url}/forgot`);
    await page.goto(`${walk().url}/welcome#email=edith%40example.com`);
    await page.getByText(`You are logged in here as ${alan.email}.`).waitFor();
    await page.getByRole('button', { name: 'Log out, and in as edith@example.com' }).click();
    await expect.poll(() => page.getByLabel('E-mail address').inputValue()).toBe('edith@example.com');
    await page.context().close();
  });

  it('makes a new password by mail, and goes on with it', async () => {
    const ada = await walk().join('Ada');
    const context = await walk().context();
    const page = await walk().page(context, '/login');
    await page.getByRole('link', { name: 'Forgotten?' }).click();
    await page.getByLabel('E-mail address').fill(ada.email);
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    const path = linkPath(await mailTo(walk().server, ada.email, 2));
    expect(path).toMatch(/^\/reset\//);
    await page.goto(walk().url + path);
    await page.getByLabel('E-mail address').fill(ada.email);
    await page.getByLabel('New password').fill('another horse battery');
    await page.getByRole('button', { name: 'Save and log in' }).click();
    await page.locator('.app').waitFor();
    // Used up, which one hears before one has thought of another password.
    const other = await walk().page(await walk().context(), path);
    await other.getByRole('heading', { name: 'This link is not valid.' }).waitFor();
    await context.close();
  });

  it('leads back to where one wanted to go, and a link that leads nowhere says so', async () => {
    const ada = await walk().join('Ada');
    const alan = await walk().join('Alan');
    const page = await walk().page(await walk().context(), `/with/${alan.id}`);
    await page.getByLabel('E-mail address').fill(ada.email);
    await page.getByLabel('Password', { exact: true }).fill(ada.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Alan Lovelace' }).waitFor();
    await page.goto(`${walk().url}/nowhere`);
    await page.getByRole('heading', { name: 'There is nothing here.' }).waitFor();
    await page.getByRole('link', { name: 'To your conversations' }).click();
    await page.getByRole('heading', { name: 'Conversations', level: 1 }).waitFor();
    // Nor is there a conversation with nobody, or with oneself.
    for (const path of ['/with/987654', `/with/${ada.id}`]) {
      await page.goto(walk().url + path);
      await page.getByRole('heading', { name: 'There is nothing here.' }).waitFor();
      expect(await composer(page).count()).toBe(0);
    }
    const welcome = await walk().page(await walk().context(), '/http/register/notavalidtoken');
    await welcome.getByRole('heading', { name: 'This link is not valid.' }).waitFor();
    // Where the server leads for an address that it keeps for another account.
    const kept = '/welcome#error=already_registered&retry_after=255600';
    const keptPage = await walk().page(await walk().context(), kept);
    await keptPage.getByRole('heading', { name: 'This address is kept.' }).waitFor();
    await keptPage.getByText('Register it again in 71 hours.').waitFor();
  });

  it('says to somebody new who is here, beside the list, on a phone, and in the finder', async () => {
    const ada = await walk().join('Ada');
    await walk().join('Alan');
    const page = await walk().enter(ada);
    await page.getByRole('heading', { name: 'No messages yet.' }).waitFor();
    await page.getByText(/(people are|person is) here\./).waitFor();
    await page.getByRole('button', { name: 'Find someone' }).click();
    await page.getByRole('option', { name: 'Alan Lovelace' }).first().waitFor();
    await page.keyboard.press('Escape');
    const phone = await walk().enter(ada, '/', PHONE);
    await phone.getByRole('heading', { name: 'No messages yet.' }).waitFor();
    await phone.getByRole('button', { name: 'Find someone' }).click();
    await phone.getByRole('option', { name: 'Alan Lovelace' }).first().waitFor();
    // Where nobody says who is here one still can do all that. The first to ask is the list of conversations itself.
    let asked = 0;
    await phone.route(/\/http\/users$/, (route) => (++asked === 1 ? route.continue() : route.abort()));
    await phone.reload();
    await phone.getByRole('button', { name: 'Find someone' }).waitFor();
    await expect.poll(() => asked).toBeGreaterThan(1);
    expect(await phone.getByText(/(people are|person is) here\./).count()).toBe(0);
    await page.context().close();
    await phone.context().close();
  });

  it('says that the conversations could not be loaded, and loads them when one asks for it', async () => {
    const ada = await walk().join('Ada');
    const alan = await walk().join('Alan');
    await send(await alan.connect(), { chat_type: 'room', other_user_id: ada.id, message: 'Hello' });
    const context = await walk().context({ serviceWorkers: 'block' });
    let answer = (): void => {};
    const isDue = new Promise<void>((resolve) => (answer = resolve));
    await context.route('**/http/chat_rooms*', async (route) => {
      await isDue;
      await route.fulfill({ status: 500, json: { code: 'internal', message: 'It broke.' } });
    });
    const page = await walk().page(context, '/login');
    await page.getByLabel('E-mail address').fill(ada.email);
    await page.getByLabel('Password', { exact: true }).fill(ada.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Loading your conversations').waitFor();
    answer();
    await page.getByText('Could not load your conversations. Something went wrong (internal).').waitFor();
    await context.unroute('**/http/chat_rooms*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: /Alan Lovelace/ }).waitFor();
    alan.hangUp();
    await context.close();
  });

  it('says that a session was ended from elsewhere, and loses nothing that was written', async () => {
    const ada = await walk().join('Ada');
    const alan = await walk().join('Alan');
    const page = await walk().enter(ada, `/with/${alan.id}`);
    await composer(page).fill('not sent yet');
    const token = await ada.login();
    await fetch(`${walk().url}/http/sessions`, { method: 'DELETE', headers: { authentication: token } });
    await page.getByText('You were logged out here.').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(ada.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect.poll(() => composer(page).inputValue()).toBe('not sent yet');
  });

  it('leads in, and to the first message, where the browser denies all storage', async () => {
    const ada = await walk().join('Ada');
    const alan = await walk().join('Alan');
    const context = await walk().context();
    await context.addInitScript(() => {
      const deny = (): never => {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      };
      for (const name of ['sessionStorage', 'localStorage']) Object.defineProperty(window, name, { get: deny });
      IDBFactory.prototype.open = deny;
    });
    const page = await walk().page(context, `/with/${alan.id}`);
    await page.getByLabel('E-mail address').fill(ada.email);
    await page.getByLabel('Password', { exact: true }).fill(ada.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    // Where one wanted to go is known as long as the page stands.
    await page.getByRole('heading', { name: 'Alan Lovelace' }).waitFor();
    await say(page, 'hello');
    await isSent(page, 'hello');
    await context.close();
  });
});
