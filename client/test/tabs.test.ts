import fc from 'fast-check';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, hasChromium, type Site, TestBrowser } from '../../test/support/browser.js';
import { soleTab } from '../src/tabs.js';
import type { Tabs } from '../src/seams.js';
import type * as library from './page-script.js';

declare global {
  interface Window {
    parley: typeof library;
    storage: ReturnType<typeof library.indexedDbStorage>;
    tabs: Tabs;
    heard: unknown[];
  }
}

describe('The only tab', () => {
  test('one has a lock alone, or several share it; who comes first is served first', async () => {
    const tab = soleTab();
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const ask = (name: string, mode: 'exclusive' | 'shared') =>
      tab.lock('lock', { mode }, async () => {
        log.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        return name;
      });
    const [a, b, c] = [ask('a', 'shared'), ask('b', 'shared'), ask('c', 'exclusive')];
    const [d, e] = [ask('d', 'shared'), ask('e', 'shared')];
    await expect.poll(() => log).toEqual(['a', 'b']);
    // Another lock is another matter.
    expect(await tab.lock('other', { mode: 'exclusive' }, async (got) => got)).toBe(true);
    ends[0]();
    expect(await a).toBe('a');
    expect(log).toEqual(['a', 'b']);
    ends[1]();
    expect(await b).toBe('b');
    await expect.poll(() => log).toEqual(['a', 'b', 'c']);
    ends[2]();
    expect(await c).toBe('c');
    await expect.poll(() => log).toEqual(['a', 'b', 'c', 'd', 'e']);
    ends[3]();
    ends[4]();
    expect(await Promise.all([d, e])).toEqual(['d', 'e']);
  });

  test('if_free takes it at once or not at all', async () => {
    const tab = soleTab();
    let end!: () => void;
    const held = new Promise<void>((resolve) => (end = resolve));
    const got = async (is: boolean) => is;
    const shared = tab.lock('lock', { mode: 'shared' }, () => held);
    expect(await tab.lock('lock', { mode: 'exclusive', if_free: true }, got)).toBe(false);
    expect(await tab.lock('lock', { mode: 'shared', if_free: true }, got)).toBe(true);
    const waits = tab.lock('lock', { mode: 'exclusive' }, got);
    // It would overtake the one that waits.
    expect(await tab.lock('lock', { mode: 'shared', if_free: true }, got)).toBe(false);
    end();
    await shared;
    expect(await waits).toBe(true);
    expect(await tab.lock('lock', { mode: 'exclusive', if_free: true }, got)).toBe(true);
  });

  test('who waits may give up, and bars nobody then; who has it is not disturbed', async () => {
    const tab = soleTab();
    const stop = new AbortController();
    let end!: (value: string) => void;
    const ended = new Promise<string>((resolve) => (end = resolve));
    const reason = new Error('taken back');
    const held = tab.lock('lock', { mode: 'shared', signal: stop.signal }, () => ended);
    const waits = tab.lock('lock', { mode: 'exclusive', signal: stop.signal }, async () => expect.unreachable());
    const behind = tab.lock('lock', { mode: 'shared' }, async (got) => got);
    stop.abort(reason);
    await expect(waits).rejects.toBe(reason);
    expect(await behind).toBe(true);
    await expect(tab.lock('lock', { mode: 'shared', signal: stop.signal }, async () => 1)).rejects.toBe(reason);
    end('undisturbed');
    expect(await held).toBe('undisturbed');
  });

  test('work that fails gives the lock back', async () => {
    const tab = soleTab();
    const fail = () => tab.lock('lock', { mode: 'exclusive' }, () => Promise.reject(new Error('failed')));
    await expect(fail()).rejects.toThrow('failed');
    expect(await tab.lock('lock', { mode: 'exclusive', if_free: true }, async (got) => got)).toBe(true);
  });

  test('tells nobody', () => {
    const tab = soleTab();
    const unhear = tab.hear(() => expect.unreachable());
    tab.tell('hello');
    unhear();
  });
});

describe.skipIf(!hasChromium)('Tabs in Chromium', () => {
  let browser: TestBrowser;
  let files: Record<string, string>;
  let site: Site;

  beforeAll(async () => {
    browser = await TestBrowser.start();
    const script = await bundle(`import * as parley from './client/test/page-script.ts'; window.parley = parley;`);
    files = { '/': '<script src="/page.js"></script>', '/page.js': script, '/away': 'Away.' };
  });
  afterAll(() => browser.stop());

  /** Two tabs of one origin, which hear each other. */
  const open = async (which: 'secure' | 'plain' = 'secure'): Promise<[Page, Page]> => {
    site = await browser.serve(files);
    const begin = async () => {
      const page = await browser.open(site[which]);
      await page.evaluate(() => {
        window.tabs = window.parley.browserTabs('test');
        window.heard = [];
        window.tabs.hear((message) => window.heard.push(message));
        window.storage = window.parley.indexedDbStorage();
      });
      return page;
    };
    return [await begin(), await begin()];
  };
  const heard = (page: Page) => page.evaluate(() => window.heard);
  const tell = (page: Page, message: unknown) => page.evaluate((told) => window.tabs.tell(told), message);

  /** Takes it for ever; resolves when it is there. */
  const hold = (page: Page) =>
    page.evaluate(
      () =>
        new Promise<boolean>((resolve) => {
          const forEver = (got: boolean) => new Promise(() => resolve(got));
          void window.tabs.lock('lock', { mode: 'exclusive' }, forEver);
        }),
    );
  const isFree = (page: Page) =>
    page.evaluate(() => window.tabs.lock('lock', { mode: 'exclusive', if_free: true }, async (got) => got));

  test('the only tab grants locks as Web Locks do', async () => {
    site = await browser.serve(files);
    const page = await browser.open(site.secure);
    const number = fc.nat({ max: 9 });
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          ask: fc.string({ minLength: 4, maxLength: 4, unit: fc.constantFrom(...'abcdefgh') }),
          name: fc.constantFrom('one', 'one', 'two'),
          mode: fc.constantFrom('exclusive' as const, 'shared' as const, 'shared' as const),
          if_free: fc.constantFrom(false, false, true),
        }),
      },
      { weight: 2, arbitrary: fc.record({ release: number }) },
    );
    const scenarios = fc.sample(fc.array(step, { minLength: 10, maxLength: 20 }), { numRuns: 20, seed: 7 });
    const [real, ours] = await page.evaluate(async (all) => {
      const turn = () => new Promise((resolve) => setTimeout(resolve));
      // Its answer comes after all that was asked before it.
      const answered = () =>
        turn()
          .then(() => navigator.locks.query())
          .then(turn);
      const logs: string[][][] = [[], []];
      for (const [at, steps] of all.entries()) {
        logs[0].push(await window.parley.lockLog(window.parley.browserTabs(`${at}`), steps, answered));
        logs[1].push(await window.parley.lockLog(window.parley.soleTab(), steps, turn));
      }
      return logs;
    }, scenarios);
    expect(ours).toEqual(real);
    const text = JSON.stringify(real);
    for (const what of ['begins true', 'begins false']) expect(text).toContain(what);
  });

  test('a lock holds in all tabs, until its holder is done, closed, or crashed', async () => {
    const [first, second] = await open();
    expect(await hold(first)).toBe(true);
    expect(await isFree(second)).toBe(false);
    // One of that name that belongs to something else.
    const unrelated = () =>
      window.parley.browserTabs('else').lock('lock', { mode: 'exclusive', if_free: true }, async (got) => got);
    expect(await second.evaluate(unrelated)).toBe(true);

    const got = hold(second);
    await browser.crash(first);
    expect(await got).toBe(true);

    const third = await browser.open(site.secure);
    await third.evaluate(() => (window.tabs = window.parley.browserTabs('test')));
    expect(await isFree(third)).toBe(false);
    const next = hold(third);
    await second.close();
    expect(await next).toBe(true);
  });

  test('who waits for another tab may give up', async () => {
    const [first, second] = await open();
    await hold(first);
    const outcome = await second.evaluate(async () => {
      const stop = new AbortController();
      const waits = window.tabs.lock('lock', { mode: 'shared', signal: stop.signal }, async () => 'got it');
      await navigator.locks.query();
      stop.abort(new Error('taken back'));
      const tooLate = { mode: 'exclusive', if_free: true, signal: stop.signal } as const;
      const say = (error: Error) => error.message;
      return [await waits.catch(say), await window.tabs.lock('lock', tooLate, async () => 'got it').catch(say)];
    });
    expect(outcome).toEqual(['taken back', 'taken back']);
  });

  test('two tabs that change one value under a lock lose nothing', async () => {
    const [first, second] = await open();
    const count = () =>
      Promise.all(
        Array.from({ length: 40 }, () =>
          window.tabs.lock('count', { mode: 'exclusive' }, async () => {
            const now = (await window.storage.read('count')).get('count') as number | undefined;
            await window.storage.write(new Map([['count', (now ?? 0) + 1]]));
          }),
        ),
      ).then(() => undefined);
    await Promise.all([first.evaluate(count), second.evaluate(count)]);
    expect(await first.evaluate(async () => [...(await window.storage.read(''))])).toEqual([['count', 80]]);
  });

  test.each(['secure', 'plain'] as const)('what a tab tells, all others hear, on a %s origin', async (which) => {
    const [first, second] = await open(which);
    await tell(first, { text: 'one', at: new Date(0) });
    await tell(first, 'two');
    await expect.poll(() => heard(second)).toEqual([{ text: 'one', at: new Date(0) }, 'two']);
    await tell(second, 'three');
    await expect.poll(() => heard(first)).toEqual(['three']);
    // Whoever has stopped listening still speaks; a listener that throws harms no other.
    await second.evaluate(() => {
      window.tabs.close!();
      window.tabs.hear(() => {
        throw new Error('harms nobody');
      })();
      window.tabs.hear(() => {
        throw new Error('harms nobody');
      });
      window.tabs.hear((message) => window.heard.push(['again', message]));
      window.tabs.tell('four');
    });
    await expect.poll(() => heard(first)).toEqual(['three', 'four']);
    await tell(first, 'five');
    await expect.poll(() => heard(second)).toEqual([{ text: 'one', at: new Date(0) }, 'two', ['again', 'five']]);
  });

  test('on plain http a lock holds within its tab, and no tab waits for another', async () => {
    const [first, second] = await open('plain');
    expect(await first.evaluate(() => [isSecureContext, 'locks' in navigator, 'randomUUID' in crypto])).toEqual([
      false,
      false,
      false,
    ]);
    expect(await hold(first)).toBe(true);
    expect(await isFree(first)).toBe(false);
    expect(await hold(second)).toBe(true);
  });

  test('without BroadcastChannel, nobody is told', async () => {
    site = await browser.serve({ ...files, '/old': `<script>delete window.BroadcastChannel</script>${files['/']}` });
    const page = await browser.open(`${site.plain}/old`);
    const got = await page.evaluate(async () => {
      const tabs = window.parley.browserTabs('test');
      tabs.hear(() => {});
      tabs.tell('hello');
      const outcome = await tabs.lock('lock', { mode: 'exclusive' }, async (is) => is);
      tabs.close!();
      return outcome;
    });
    expect(got).toBe(true);
  });

  test('in a frame that is denied Web Locks, a lock holds within the frame', async () => {
    site = await browser.serve({ ...files, '/frame': `<iframe sandbox="allow-scripts" src="/"></iframe>` });
    const page = await browser.open(`${site.secure}/frame`);
    const got = await page.frames()[1].evaluate(async () => {
      const tabs = window.parley.browserTabs('test');
      const free = { mode: 'exclusive', if_free: true } as const;
      const fail = tabs.lock('lock', free, () => Promise.reject(new DOMException('of the work', 'SecurityError')));
      return [
        await navigator.locks.request('lock', () => {}).catch((error: Error) => error.name),
        await tabs.lock('lock', { mode: 'exclusive' }, async (one) => [
          one,
          await tabs.lock('lock', free, async (two) => two),
        ]),
        await fail.catch((error: Error) => error.message),
      ];
    });
    expect(got).toEqual(['SecurityError', [true, false], 'of the work']);
  });

  test('the back/forward cache keeps a page that listens, even where others speak meanwhile', async () => {
    const [first, second] = await open();
    await first.evaluate(() => {
      addEventListener('pagehide', () => window.tabs.tell('leaving'));
      addEventListener('pageshow', () => window.tabs.tell('back'));
    });
    const isSame = await browser.awayAndBack(first, `${site.secure}/away`, async () => {
      await expect.poll(() => heard(second)).toEqual(['leaving']);
      await tell(second, 'lost');
    });
    expect(isSame).toBe(true);
    await expect.poll(() => heard(second)).toEqual(['leaving', 'back']);
    await tell(second, 'heard');
    await expect.poll(() => heard(first)).toEqual(['heard']);
  });

  test('a page in the back/forward cache keeps no lock from others', async () => {
    const [first, second] = await open();
    await hold(first);
    await browser.awayAndBack(first, `${site.secure}/away`, async () => {
      expect(await hold(second)).toBe(true);
    });
  });

  test('a frozen tab bars nobody, and hears what was told when it thaws', async () => {
    const [first, second] = await open();
    await first.evaluate(() => document.addEventListener('freeze', () => window.heard.push('frozen')));
    await browser.setLifecycle(first, 'frozen');
    await tell(second, 'one');
    await tell(second, 'two');
    await second.evaluate(() => window.storage.write(new Map([['key', 'written']])));
    expect(await hold(second)).toBe(true);
    await browser.setLifecycle(first, 'active');
    await expect.poll(() => heard(first)).toEqual(['frozen', 'one', 'two']);
    expect(await first.evaluate(async () => (await window.storage.read('')).get('key'))).toBe('written');
  });
});
