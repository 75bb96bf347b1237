// Pictures of every screen of the web client, for the documentation: npm run screens
// A server of its own, sample people, Chromium; docs/screens/<screen>-<phone|desktop>-<light|dark>.png.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { joinServer, PASSWORD, startServer } from './sample-server.mjs';

const FOLDER = fileURLToPath(new URL('../docs/screens', import.meta.url));
const PEOPLE = [
  ['ada', 'Ada', 'Lovelace'],
  ['alan', 'Alan', 'Turing'],
  ['grace', 'Grace', 'Hopper'],
  ['katherine', 'Katherine', 'Johnson'],
  ['charles', 'Charles', 'Babbage'],
  ['noura', 'نورة', 'السالم'],
  ['hedy', 'Hedy', 'Lamarr'],
];
const SIZES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

const server = await startServer();
const { url } = server;
try {
  const community = await populate();
  await takePictures(community);
  await Promise.all(Object.values(community.others).map((client) => client.close()));
} finally {
  await server.stop();
}

/** People who have talked. @returns their ids, and those of the groups */
async function populate() {
  const clients = {};
  const ids = {};
  for (const [name, first_name, last_name] of PEOPLE) {
    const client = await joinServer(url, { email: `${name}@example.com`, first_name, last_name });
    ids[name] = client.auth.get().me.id;
    clients[name] = client;
  }
  const { ada, alan, grace, katherine, charles, noura, hedy } = clients;
  const say = (from, to, text) => from.room(ids[to]).send(text);
  const wrong = await say(hedy, 'ada', 'oh, the wrong window');
  await hedy.room(ids.ada).delete(wrong.seq);
  await say(noura, 'ada', 'شكرًا، أراك غدًا');
  const letters = await charles.groups.create({ name: 'Letters to Babbage', is_private: true });
  await letters.send('The postage alone!');
  await say(grace, 'ada', 'Did you find it?');
  await say(ada, 'grace', 'it was a moth, of all things');
  await say(ada, 'alan', 'Hello Alan, can you read this?');
  await say(alan, 'ada', 'I can, Ada. Can machines?');
  alan.room(ids.ada).attach();
  alan.room(ids.ada).seen(1);
  await say(ada, 'alan', 'This one stores it, at least.');
  await say(
    alan,
    'ada',
    '> It might act upon other things besides number.\n\nYou wrote that a hundred years before me. I only supplied the tape.',
  );
  await say(alan, 'ada', 'Meet at the station? The 11:05 is usually on time.');
  const group = await ada.groups.create({ name: 'Analytical Engines', is_private: true });
  const id = group.ref.group_id;
  for (const name of ['alan', 'grace', 'katherine', 'noura', 'hedy']) await group.add(ids[name]);
  const inGroup = async (who, text) => {
    await sleep(100);
    return who.group(id).send(text);
  };
  await inGroup(grace, 'The punched cards for the second mill arrived. Two are upside down.');
  await inGroup(grace, 'I marked them with a pencil: turn, do not fold.');
  const edited = await inGroup(ada, 'Folding one of them is how we lost the Bernoulli numbers');
  await group.edit(edited.seq, 'Folding one of them is how we lost the Bernoulli numbers last time');
  await inGroup(
    alan,
    'I wrote the loop down so that we can argue about it:\n\n```js\nfor (const card of deck) {\n  if (card.isUpsideDown) turn(card); // never fold\n  mill.feed(card);\n}\n```\n\nIt stops when the deck is empty. Whether it *must* stop is another question.',
  );
  await inGroup(noura, 'قرأتها مرتين، الحلقة واضحة تمامًا.');
  await inGroup(ada, 'Good. I will ask the helper for a plan and bring it here: https://engine.example/notes/g');
  for (const who of [alan, grace, katherine]) await who.group(id).attach().ready;
  await inGroup(katherine, 'The orbit of the governor closes after 41 turns. I checked twice.');
  await inGroup(grace, 'Then 41 cards are enough, and we keep one spare.');
  await inGroup(grace, 'If the spare tears, then we cut the cards by hand.');
  await charles.group(id).askToJoin();
  await ada.bot.ask('hello').done;
  await ada.bot.ask('What can you do?').done;
  await sleep(1_500);
  await ada.close();
  return { ids, group: id, letters: letters.ref.group_id, others: clients };
}

async function takePictures({ ids, group, letters, others }) {
  mkdirSync(FOLDER, { recursive: true });
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
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
        await sleep(700);
        await page.screenshot({ path: join(FOLDER, `${name}-${size}-${colorScheme}.png`) });
      };
      const open = (path) => page.goto(url + path);
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
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.locator('a.row', { hasText: 'Alan' }).waitFor();
      await shoot('list');
      await open(`/group/${group}`);
      await page.locator('.msg').first().waitFor();
      await readIt();
      others.alan.group(group).typed();
      await shoot('group');
      if (size === 'phone') {
        await open(`/group/${group}/members`);
        await shoot('members');
      }
      await open(`/with/${ids.alan}`);
      await page.locator('.msg').first().waitFor();
      await readIt();
      await shoot('room');
      const mine = page.locator('article.msg', { hasText: 'This one stores it' });
      if (size === 'desktop') {
        await mine.hover();
        await mine.getByRole('button', { name: 'More for this message' }).click();
      } else await mine.dispatchEvent('contextmenu');
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
      await context.close();
    }
  }
  await browser.close();
}
