// Every screen, in both schemes and three widths: no violation that axe knows, nothing that runs out of the page, and texts that are
// meant to break it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Person } from '../../../test/support/client.js';
import { call, send } from '../../../test/support/client.js';
import { composer, hasChromium, OUTSIDE, message, say, walkFor } from './walk.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [320, 390, 1440];

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

async function violations(page: Page): Promise<string[]> {
  const found = (await page.evaluate(`${AXE}; axe.run().then(({ violations }) => violations)`)) as Violation[];
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)}\n${failureSummary}`),
  );
}

const fits = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

describe.skipIf(!hasChromium)('every screen', () => {
  const walk = walkFor();
  let ada: Person;
  let alan: Person;
  let group: number;
  const odd = [
    '<script>alert(1)</script> <img src=x onerror=alert(1)>',
    '😀'.repeat(2_000),
    'x'.repeat(300),
    'مرحبا بالعالم، هذه رسالة طويلة بما يكفي لتملأ أكثر من سطر واحد في عمود ضيق',
    '> a quote\n\n1. one\n2. two\n\n`code` and **strong**\n\n```js\nconst a_very_long_line = "that does not fit into a narrow column of text at all, and scrolls";\n```',
    'https://example.com/a/very/long/address/that/goes/on/and/on/and/on?with=many&parameters=and-more-of-them',
  ];
  beforeAll(async () => {
    [ada, alan] = [await walk().join('Ada'), await walk().join('Alan')];
    const socket = await alan.connect();
    for (const text of odd) await send(socket, { chat_type: 'room', other_user_id: ada.id, message: text });
    const { body } = await call(walk().server, 'POST', '/http/chat_groups', {
      token: ada.token,
      body: { chat_group_name: 'Analytical Engines', is_private: true },
    });
    group = body.id;
    await call(walk().server, 'POST', `/http/chat_groups/access_requests/${group}`, { token: alan.token, body: {} });
    alan.hangUp();
  });

  /** Checks what is shown now in all widths and both schemes. */
  async function check(page: Page, name: string): Promise<void> {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const where = `${name}, ${width} px, ${colorScheme}`;
        expect(await violations(page), where).toEqual([]);
        expect(await fits(page), where).toBe(true);
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }

  it('of those who are outside', async () => {
    const page = await walk().page(await walk().context());
    for (const path of OUTSIDE) {
      await page.goto(walk().url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await check(page, path);
    }
    await page.context().close();
  });

  it('of those who are in', async () => {
    const page = await walk().enter(ada);
    await page.locator('a.row', { hasText: 'Alan Lovelace' }).waitFor();
    await check(page, 'the list');
    for (const [path, ready] of [
      [`/with/${alan.id}`, '.msg'],
      [`/group/${group}`, '.start'],
      [`/group/${group}/members`, '.side'],
      ['/helper', '.start'],
      ['/settings', 'h1'],
      ['/nowhere', 'h1'],
    ] as const) {
      await page.goto(walk().url + path);
      await page.locator(ready).first().waitFor();
      await check(page, path);
    }
    await page.keyboard.press('Control+K');
    await page.getByRole('combobox').fill('A');
    await page.getByRole('option').first().waitFor();
    await check(page, 'the finder');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'New group' }).click();
    await page.getByRole('dialog').waitFor();
    await check(page, 'a new group');
    await page.context().close();
    const outside = await walk().enter(await walk().join('Grace'), `/group/${group}`);
    await outside.getByText('This group is private.').waitFor();
    await check(outside, 'a private group from outside');
    await outside.goto(walk().url);
    await outside.getByText('No messages yet.').waitFor();
    await check(outside, 'no conversations');
    await outside.context().close();
  });

  it('shows any text as text, within its column', async () => {
    const page = await walk().enter(ada, `/with/${alan.id}`);
    let alerted = false;
    page.on('dialog', () => (alerted = true));
    await message(page, '<script>alert(1)</script>').waitFor();
    expect(await page.locator('.log script, .log img').count()).toBe(0);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      expect(await fits(page)).toBe(true);
      const runs = await page.locator('.msg .body').evaluateAll((bodies) => {
        const edge = document.querySelector('.log')!.getBoundingClientRect().right;
        return bodies.filter((body) => body.getBoundingClientRect().right > edge + 1).length;
      });
      expect(runs).toBe(0);
    }
    expect(alerted).toBe(false);
    const { headers } = await call(walk().server, 'GET', '/', { headers: { accept: 'text/html' } });
    const policy = headers.get('content-security-policy');
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toContain('unsafe');
    await say(page, 'and mine');
    await message(page, 'and mine').waitFor();
    expect(await composer(page).inputValue()).toBe('');
    await page.context().close();
  });
});
