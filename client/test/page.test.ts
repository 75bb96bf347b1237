import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, hasChromium, type Site, TestBrowser } from '../../test/support/browser.js';
import { browserPage } from '../src/page.js';

declare global {
  interface Window {
    page: NonNullable<ReturnType<typeof browserPage>>;
    told: string[];
    unhear: () => void;
  }
}

test('there is no page in Node', () => {
  expect(browserPage()).toBeNull();
});

describe.skipIf(!hasChromium)('In Chromium', () => {
  let browser: TestBrowser;
  let site: Site;

  beforeAll(async () => {
    browser = await TestBrowser.start();
    const script = await bundle(`
      import { browserPage } from './client/src/page.ts';
      window.page = browserPage();
      window.told = [];
      window.unhear = window.page.hear((what) => window.told.push(what));
    `);
    site = await browser.serve({
      '/': '<input><script src="/page.js"></script>',
      '/page.js': script,
      '/away': 'Away.',
    });
  });
  afterAll(() => browser.stop());

  const told = (page: Page) => page.evaluate(() => window.told);
  const state = (page: Page) =>
    page.evaluate(() => [window.page.isVisible(), window.page.hasFocus(), window.page.isOnline()]);

  /** A page in front, which has told of that already. */
  const open = async () => {
    const page = await browser.open(site.secure);
    await expect.poll(() => state(page)).toEqual([true, true, true]);
    await page.evaluate(() => (window.told.length = 0));
    return page;
  };

  test('a page that goes into the background and comes back', async () => {
    const page = await open();
    const other = await browser.open(`${site.secure}/away`);
    await expect.poll(() => state(page)).toEqual([false, false, true]);
    await page.bringToFront();
    await expect.poll(() => state(page)).toEqual([true, true, true]);
    await expect.poll(async () => (await told(page)).sort()).toEqual(['focus', 'hidden', 'visible']);
    await other.close();
    // What gets the focus within the page is nobody's business.
    await page.locator('input').focus();
    expect(await told(page)).toHaveLength(3);
  });

  test('a device without a network', async () => {
    const page = await open();
    const network = (offline: boolean) =>
      browser.command(page, 'Network.emulateNetworkConditions', {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await network(true);
    await expect.poll(() => told(page)).toEqual(['offline']);
    expect(await state(page)).toEqual([true, true, false]);
    await network(false);
    await expect.poll(() => told(page)).toEqual(['offline', 'online']);
    expect(await state(page)).toEqual([true, true, true]);
  });

  test('the back/forward cache, and a freeze', async () => {
    const page = await open();
    expect(await browser.awayAndBack(page, `${site.secure}/away`)).toBe(true);
    await expect.poll(() => told(page)).toEqual(['leave', 'hidden', 'freeze', 'thaw', 'visible', 'return']);
    await page.evaluate(() => (window.told.length = 0));
    await browser.setLifecycle(page, 'frozen');
    await browser.setLifecycle(page, 'active');
    await expect.poll(() => told(page)).toEqual(['hidden', 'freeze', 'thaw']);
  });

  test('nobody is told any more', async () => {
    const page = await open();
    await page.evaluate(() => {
      window.unhear();
      for (const event of ['focus', 'online', 'pagehide']) window.dispatchEvent(new Event(event));
      for (const event of ['visibilitychange', 'freeze']) document.dispatchEvent(new Event(event));
    });
    expect(await told(page)).toEqual([]);
  });
});
