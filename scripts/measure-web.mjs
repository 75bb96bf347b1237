// What the web client costs, in a real Chromium: npm run measure:web [-- --rounds 5 --messages 10000 --day 40000]
// Prints each figure with its least and greatest of the rounds. Nothing is judged: a busy machine is slower.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { joinServer, PASSWORD, startServer } from './sample-server.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    // Loaded in one conversation.
    messages: { type: 'string', default: '10000' },
    // That come in a day: 5,000 an hour for eight hours.
    day: { type: 'string', default: '40000' },
  },
});
const wrong = Object.entries(values).filter(([, text]) => !/^[1-9]\d{0,6}$/.test(text));
if (wrong.length > 0) {
  console.error(wrong.map(([name, text]) => `--${name} ${text}: not a whole number above 0`).join('\n'));
  process.exit(2);
}
const [ROUNDS, MESSAGES, DAY] = [values.rounds, values.messages, values.day].map(Number);
/** As on a phone of the middle class. */
const THROTTLE = 4;
const WORDS = 'the engine weaves patterns just as a loom weaves flowers and leaves when cards are put in order'.split(
  ' ',
);

const rows = [];
function report(what, goal, figures, unit) {
  const sorted = figures.toSorted((a, b) => a - b);
  const text = (figure) => (figure < 10 ? figure.toFixed(1) : String(Math.round(figure)));
  const median = text(sorted[sorted.length >> 1]);
  rows.push(`| ${what} | ${goal} | ${median} ${unit} (${text(sorted[0])} to ${text(sorted.at(-1))}) |`);
  console.log(rows.at(-1));
}

const server = await startServer();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const ada = await joinServer(server.url, { email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' });
  const alan = await joinServer(server.url, { email: 'alan@example.com', first_name: 'Alan', last_name: 'Turing' });
  await measureStart();
  const groups = [];
  for (const name of ['The long one', 'The other one', 'The third one']) {
    const group = await ada.groups.create({ name });
    await group.add(alan.auth.get().me.id);
    groups.push(group.ref.group_id);
  }
  await sleep(1_000);
  await fill(groups[0], MESSAGES);
  await fill(groups[1], 300);
  await fill(groups[2], 300);
  const page = await enter();
  await measureLong(page, groups);
  await measureDay(page, groups[1]);

  /** Messages of both, four in a row each. */
  async function fill(id, count) {
    const chats = [ada.group(id), alan.group(id)];
    for (let i = 0; i < count;) {
      const batch = [];
      for (let k = 0; k < 100 && i < count; k++, i++) batch.push(chats[(i >> 2) % 2].send(textOf(i)));
      await Promise.all(batch);
    }
  }

  async function measureDay(tab, id) {
    await tab.goto(`${server.url}/group/${id}`);
    await tab.locator('.msg').first().waitFor();
    await fill(id, DAY);
    // A whole day within minutes may be more than the page follows by itself.
    const last = tab.locator('.msg', { hasText: `${DAY - 1}:` });
    await tab
      .getByRole('button', { name: /^Latest/ })
      .or(last)
      .first()
      .waitFor();
    while (!(await last.isVisible())) await tab.getByRole('button', { name: /^Latest/ }).click({ timeout: 30_000 });
    const client = await tab.context().newCDPSession(tab);
    await client.send('HeapProfiler.enable');
    await client.send('HeapProfiler.collectGarbage');
    const { usedSize } = await client.send('Runtime.getHeapUsage');
    report(`memory after ${DAY} messages in the conversation that is open`, '< 120', [usedSize / 2 ** 20], 'MiB');
  }
  await ada.close();
  await alan.close();
} finally {
  await browser.close();
  await server.stop();
}
console.log(`\n| what | aimed at | median (least to greatest of ${ROUNDS}) |\n| --- | --- | --- |\n${rows.join('\n')}`);

function textOf(i) {
  const length = i % 9 === 0 ? 40 + (i % 80) : 1 + (i % 17);
  return `${i}: ${Array.from({ length }, (_, k) => WORDS[(i * 7 + k * 3) % WORDS.length]).join(' ')}`;
}

async function enter() {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(`${server.url}/login`);
  await page.getByLabel('E-mail address').fill('ada@example.com');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('a.row').first().waitFor();
  return page;
}

/** A cold load of the login, on a slow processor. */
async function measureStart() {
  const [paints, usable] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    const client = await context.newCDPSession(page);
    await client.send('Emulation.setCPUThrottlingRate', { rate: THROTTLE });
    await page.addInitScript(() => {
      const look = () => {
        if (document.querySelector('input[name=email]')) window.usableAt = performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(`${server.url}/login`);
    await page.waitForFunction(
      () => window.usableAt && performance.getEntriesByName('first-contentful-paint').length > 0,
    );
    const [paint, at] = await page.evaluate(() => [
      performance.getEntriesByName('first-contentful-paint')[0].startTime,
      window.usableAt,
    ]);
    paints.push(paint);
    usable.push(at);
    await context.close();
  }
  report(`first paint of the login, ${THROTTLE}× slower processor`, '< 1,000', paints, 'ms');
  report(`login usable, ${THROTTLE}× slower processor`, '< 1,500', usable, 'ms');
}

async function measureLong(page, [long, ...others]) {
  await page.goto(`${server.url}/group/${long}`);
  await page.locator('.msg').first().waitFor();
  const log = page.locator('.log');
  const moves = [];
  // Ten prepends: how far the first message in view moves by each.
  for (let i = 0; i < 10; i++) moves.push(await page.evaluate(prepend));
  report('movement of the first message in view by ten prepends', '≤ 1', moves, 'px');
  // All of it.
  while ((await page.locator('.start').count()) === 0) {
    await log.evaluate((element) => (element.scrollTop = 0));
    await sleep(30);
  }
  const nodes = await page.locator('article.msg').count();
  report(`messages in the document of ${MESSAGES} loaded`, '< 200', [nodes], '');
  const frames = [];
  for (let round = 0; round < ROUNDS; round++) frames.push(await page.evaluate(scroll));
  report(`frames a second, scrolling ${MESSAGES} loaded`, '≥ 50', frames, '/s');
  const keys = [];
  await page.locator('.write textarea').focus();
  await page.evaluate(() => {
    window.durations = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === 'keydown') window.durations.push(entry.duration);
    }).observe({ type: 'event', durationThreshold: 16 });
  });
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('x');
    await sleep(80);
  }
  keys.push(...(await page.evaluate(() => window.durations)));
  // Below 16 ms they are not told.
  report(`key to glyph, ${MESSAGES} loaded`, '< 50', keys.length > 0 ? keys : [16], 'ms');
  await page.locator('.write textarea').fill('');
  const switches = [];
  for (const id of others) {
    await page.locator(`a.row[data-key="group:${id}"]`).click();
    await page.locator('.msg').first().waitFor();
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const id of others) switches.push(await page.evaluate(open, `group:${id}`));
  report('switching to a conversation that is loaded', '< 100', switches, 'ms');
}

/* What runs in the page. */

async function prepend() {
  const element = document.querySelector('.log');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const { top } = element.getBoundingClientRect();
  element.scrollTop = Math.min(element.scrollTop, 1_500);
  await frame();
  await frame();
  const first = [...element.querySelectorAll('article')].find((one) => one.getBoundingClientRect().top >= top);
  const [before, height] = [first.getBoundingClientRect().top, element.scrollHeight];
  for (let i = 0; i < 300 && element.scrollHeight < height + 1_000; i++) await frame();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return Math.abs(first.getBoundingClientRect().top - before);
}

async function scroll() {
  const element = document.querySelector('.log');
  element.scrollTop = 0;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const start = performance.now();
  let frames = 0;
  while (performance.now() - start < 3_000) {
    element.scrollTop += 120;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    frames++;
  }
  return (1_000 * frames) / (performance.now() - start);
}

async function open(key) {
  const start = performance.now();
  document.querySelector(`a.row[data-key="${key}"]`).click();
  const isThere = () => document.querySelector(`main[data-chat="${key}"] .msg`) !== null;
  while (!isThere()) await new Promise((resolve) => requestAnimationFrame(resolve));
  return performance.now() - start;
}
