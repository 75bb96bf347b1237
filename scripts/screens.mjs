// Pictures of every screen of the web client, for the documentation: npm run screens [-- NAME…]
// A server of its own, sample people, Chromium; docs/screens/<screen>-<phone|desktop>-<light|dark>.png.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { arrange, moderate, populate } from './sample-community.mjs';
import { joinAdmin, PASSWORD, startServer } from './sample-server.mjs';

const FOLDER = fileURLToPath(new URL('../docs/screens', import.meta.url));
const SIZES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

/** The screens that are wanted; none named: all. */
const wanted = new Set(process.argv.slice(2));

const server = await startServer();
const { url } = server;
try {
  const community = await populate(url);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  await takePictures(browser, (tools) => walk(tools, community));
  await arrange(community);
  await takePictures(browser, (tools) => walkArranged(tools, community));
  const admin = await joinAdmin(url);
  await moderate(community, admin);
  await takePictures(browser, (tools) => walkModerated(tools, community));
  await takePictures(browser, (tools) => walkAccounts(tools, community, admin));
  await browser.close();
  await Promise.all(Object.values(community.others).map((client) => client.close()));
} finally {
  await server.stop();
}

/** Of a message. */
async function openMenu(page, article, size) {
  if (size === 'desktop') {
    await article.hover();
    await article.getByRole('button', { name: 'More for this message' }).click();
  } else await article.dispatchEvent('contextmenu');
}

/** In both sizes and both schemes: each begins with nobody logged in. */
async function takePictures(browser, walkThrough) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({
        ...options,
        colorScheme,
        locale: 'en-GB',
        timezoneId: 'UTC',
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      const shoot = async (name) => {
        if (wanted.size > 0 && !wanted.has(name)) return;
        await sleep(700);
        await page.screenshot({ path: join(FOLDER, `${name}-${size}-${colorScheme}.png`) });
      };
      const open = (path) => page.goto(url + path);
      const enter = async () => {
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Log in' }).click();
        await page.locator('a.row', { hasText: 'Alan' }).first().waitFor();
      };
      await walkThrough({ page, size, colorScheme, shoot, open, enter });
      await context.close();
    }
  }
}

async function walk({ page, size, colorScheme, shoot, open, enter }, { ids, group, letters, others }) {
  // Who looks on has read it.
  const readIt = () => page.locator('a.row.unread[aria-current=page]').waitFor({ state: 'detached' });
  await open('/register');
  await shoot('register');
  await page.getByLabel('First name').fill('Mary');
  await page.getByLabel('E-mail address').fill(`mary-${size}-${colorScheme}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Make my account' }).click();
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
  await shoot('mail');
  await open('/login');
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByLabel('Password', { exact: true }).fill('wrong horse');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Wrong e-mail address or password.').waitFor();
  await shoot('login');
  await enter();
  await shoot('list');
  await open(`/group/${group}`);
  await page.locator('.msg').first().waitFor();
  await readIt();
  others.alan.group(group).typed();
  await shoot('group');
  const orbit = page.locator('article.msg', { hasText: 'The orbit' }).first();
  await openMenu(page, orbit, size);
  await page.getByRole('menuitem', { name: 'Reply' }).click();
  await shoot('reply');
  await page.keyboard.press('Escape');
  await openMenu(page, orbit, size);
  await page.getByRole('menuitemcheckbox', { name: 'More emoji' }).click();
  await page.locator('[data-sign]').first().waitFor();
  await shoot('reactions');
  await page.keyboard.press('Escape');
  if (size === 'phone') {
    await open(`/group/${group}/members`);
    await shoot('members');
  }
  await open(`/with/${ids.alan}`);
  await page.locator('.msg').first().waitFor();
  await readIt();
  await shoot('room');
  const mine = page.locator('article.msg', { hasText: 'This one stores it' });
  await openMenu(page, mine, size);
  await shoot('menu');
  await page.keyboard.press('Escape');
  await open('/helper');
  await page.locator('.msg').first().waitFor();
  await shoot('helper');
  await open(`/group/${letters}`);
  await page.getByText('This group is private.').waitFor();
  await shoot('private');
  await open('/settings');
  await page.getByText('Log out').first().waitFor();
  await shoot('settings');
  await open('/');
  await page.getByRole('button', { name: /Find a person or group/ }).click();
  await page.getByRole('combobox').fill('ha');
  await page.getByRole('combobox').fill('h');
  await page.getByRole('option').first().waitFor();
  await shoot('finder');
}

/** What Ada has arranged. She reads nothing of it, so that all of the pictures show the same. */
async function walkArranged({ page, shoot, open, enter }, { ids }) {
  await open('/login');
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await enter();
  await shoot('arranged');
  await page.locator('.fold').click();
  await shoot('archived');
  await page.locator('.fold').click();
  await open('/mentions');
  await page.locator('.mention-row').first().waitFor();
  await shoot('mentions');
  await open(`/with/${ids.grace}`);
  await page.locator('.msg').first().waitFor();
  const more = page.getByRole('button', { name: 'More', exact: true });
  await more.click();
  await shoot('chat-menu');
  await page.getByRole('menuitem', { name: 'Mute' }).click();
  await shoot('mute');
  await page.keyboard.press('Escape');
  await open('/');
  await page.locator('a.row', { hasText: 'Sunday walk' }).click();
  await page.getByText('5 members').waitFor();
  await page.locator('.write textarea').fill('To the station, @');
  await page.getByRole('option', { name: 'everyone' }).waitFor();
  await shoot('completion');
  await page.locator('.write textarea').fill('');
}

/** What Ada sees of a quarrel. */
async function walkModerated({ page, size, shoot, open, enter }, { group, ids, others: { charles } }) {
  await open('/login');
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await enter();
  await page.locator('a.row', { hasText: 'Steam or electricity' }).click();
  await page.getByText('have frozen this group').waitFor();
  await page.getByText('3 members').waitFor();
  await shoot('frozen');
  await openMenu(page, page.locator('article.msg', { hasText: 'because it is broken' }), size);
  await page.getByRole('menuitem', { name: 'Report…' }).click();
  await page.getByRole('radio', { name: /Insults/ }).check();
  await page.getByLabel('Note, if you like').fill('This is not about engines any more.');
  await shoot('report');
  await page.getByRole('button', { name: 'Report' }).click();
  await page.getByText('Those who run this server have it now').waitFor();
  await shoot('reported');
  await page.keyboard.press('Escape');
  await open(`/group/${group}`);
  await page.locator('.msg').first().waitFor();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Delete the group…' }).click();
  await shoot('delete-group');
  await page.keyboard.press('Escape');
  const drafts = await charles.groups.create({ name: 'Drafts' });
  await drafts.add(ids.ada);
  await open(`/group/${drafts.ref.group_id}`);
  await page.locator('.write textarea').fill('And one more thing');
  await drafts.deleteGroup();
  await page.getByText('This group no longer exists.').waitFor();
  await shoot('group-deleted');
}

/** Who may have an account, and what one does with one's own. */
async function walkAccounts({ page, shoot, open, enter }, { ids }, admin) {
  for (const [registration, text] of [
    ['closed', 'takes no new accounts'],
    ['invite', 'for those who are invited'],
    ['domains', 'Only addresses of some domains'],
  ]) {
    await admin('PUT', 'settings', { registration, allowed_domains: ['engine.example'] });
    await open('/login');
    await open('/register');
    await page.getByText(text).waitFor();
    if (registration === 'domains') {
      await page.getByLabel('First name').fill('Mary');
      await page.getByLabel('E-mail address').fill('mary@example.com');
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Make my account' }).click();
      await page.getByText('Addresses of this domain cannot register here.').waitFor();
    }
    await shoot(`register-${registration}`);
  }
  const { url: link } = await admin('POST', 'invites', {});
  await open('/login');
  await open(new URL(link).pathname + new URL(link).hash);
  await page.getByText('You have an invitation.').waitFor();
  await shoot('invitation');
  await admin('PUT', 'settings', { registration: 'open' });
  await open('/login');
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await enter();
  await open('/settings');
  await page.getByRole('button', { name: 'Change your e-mail address' }).click();
  await page.getByLabel('New e-mail address').fill('lovelace@example.com');
  await shoot('address');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Export your data' }).click();
  await page.getByRole('button', { name: 'Make the file' }).scrollIntoViewIfNeeded();
  await shoot('export');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the file' }).click();
  await page.getByText('a mail with a link').waitFor();
  await shoot('exported');
  const suspend = (is_suspended) => admin('PATCH', `users/${ids.ada}`, { is_suspended });
  await suspend(true);
  await page.getByText('This account is suspended.').waitFor();
  await shoot('suspended');
  await suspend(false);
}
