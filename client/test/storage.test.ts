import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, hasChromium, type Site, TestBrowser } from '../../test/support/browser.js';
import { defaultStorage, memoryStorage, sessionStore } from '../src/storage.js';
import type * as library from './page-script.js';
import { checkStorage } from './storage-contract.js';

declare global {
  interface Window {
    parley: typeof library;
    storage: ReturnType<typeof library.indexedDbStorage>;
  }
}

describe('In memory', () => {
  test('does what a storage does', async () => {
    await expect(checkStorage(memoryStorage())).resolves.toBeUndefined();
  });

  test('is what Node has, for a session as for ever', async () => {
    await checkStorage(defaultStorage('name', (error) => expect.unreachable(String(error))));
    await checkStorage(sessionStore());
  });
});

describe.skipIf(!hasChromium)('In Chromium', () => {
  let browser: TestBrowser;
  let files: Record<string, string>;
  let site: Site;

  beforeAll(async () => {
    browser = await TestBrowser.start();
    const script = await bundle(`import * as parley from './client/test/page-script.ts'; window.parley = parley;`);
    files = { '/': '<script src="/page.js"></script>', '/page.js': script, '/away': 'Away.' };
  });
  afterAll(() => browser.stop());

  const open = async (url?: string) => {
    site = await browser.serve(files);
    return browser.open(url ?? site.secure);
  };

  test.each(['secure', 'plain'] as const)('each does what a storage does, on a %s origin', async (which) => {
    site = await browser.serve(files);
    const page = await browser.open(site[which]);
    expect(await page.evaluate(() => isSecureContext)).toBe(which === 'secure');
    await page.evaluate(async () => {
      const { parley } = window;
      const denied = (error: unknown): never => {
        throw error;
      };
      await parley.checkStorage(parley.memoryStorage());
      await parley.checkStorage(parley.sessionStore('session'));
      await parley.checkStorage(parley.indexedDbStorage('one'));
      await parley.checkStorage(parley.defaultStorage('two', denied));
    });
  });

  test('IndexedDB is there after a reload, for other tabs, and in a database for each name', async () => {
    const page = await open();
    await page.evaluate(() => window.parley.indexedDbStorage().write(new Map([['key', { at: new Date(0) }]])));
    await page.reload();
    expect(await page.evaluate(async () => [...(await window.parley.indexedDbStorage().read(''))])).toEqual([
      ['key', { at: new Date(0) }],
    ]);
    const other = await browser.open(site.secure);
    expect(await other.evaluate(async () => (await window.parley.defaultStorage().read('')).size)).toBe(1);
    expect(await other.evaluate(async () => (await window.parley.defaultStorage('other').read('')).size)).toBe(0);
  });

  test('what resolved is there after the whole browser was killed', async () => {
    const page = await open();
    let resolved = 0;
    await page.exposeFunction('tell', (count: number) => (resolved = count));
    page
      .evaluate(async () => {
        const storage = window.parley.indexedDbStorage();
        const { tell } = window as never as { tell: (count: number) => Promise<void> };
        for (let count = 1; ; count++) {
          await storage.write(new Map([[`n:${String(count).padStart(9, '0')}`, 'x'.repeat(1000)]]));
          await tell(count);
        }
      })
      .catch(() => {});
    await expect.poll(() => resolved).toBeGreaterThan(50);
    await browser.kill();
    const told = resolved;
    await browser.run();
    const again = await browser.open(site.secure);
    const stored = await again.evaluate(async () => [...(await window.parley.indexedDbStorage().read('n:')).keys()]);
    expect(stored.length).toBeGreaterThanOrEqual(told);
    expect(stored.map((key) => Number(key.slice(2)))).toEqual(stored.map((_, at) => at + 1));
  });

  test('what a page writes on its way out is stored, whether it goes into the back/forward cache or for ever', async () => {
    const page = await open();
    await page.evaluate(async () => {
      window.storage = window.parley.defaultStorage();
      await window.storage.read('');
      addEventListener('pagehide', () => void window.storage.write(new Map([['cached', 1]])), { once: true });
    });
    const other = await browser.open(site.secure);
    const stored = () => other.evaluate(async () => [...(await window.parley.indexedDbStorage().read('')).keys()]);
    const isSame = await browser.awayAndBack(page, `${site.secure}/away`, async () => {
      await expect.poll(stored).toEqual(['cached']);
    });
    expect(isSame).toBe(true);
    await page.evaluate(() => {
      addEventListener('pagehide', () => void window.storage.write(new Map([['closed', 1]])));
    });
    await page.close({ runBeforeUnload: true });
    await expect.poll(stored).toEqual(['cached', 'closed']);
  });

  test('comes back from the back/forward cache with its connection, and with what it was writing', async () => {
    const page = await open();
    await page.evaluate(async () => {
      window.storage = window.parley.indexedDbStorage();
      await window.storage.write(new Map([['n', 0]]));
      addEventListener('pagehide', () => {
        for (let n = 1; n <= 50; n++) void window.storage.write(new Map([['n', n]]));
      });
    });
    expect(await browser.awayAndBack(page, `${site.secure}/away`)).toBe(true);
    expect(await page.evaluate(async () => [...(await window.storage.read(''))])).toEqual([['n', 50]]);
  });

  test('a page in the back/forward cache keeps no other from writing, whatever it was about to write', async () => {
    const page = await open();
    await page.evaluate(async () => {
      window.storage = window.parley.indexedDbStorage();
      await window.storage.write(new Map([['n', 0]]));
      addEventListener('pagehide', () => {
        for (let n = 1; n <= 50; n++) void window.storage.write(new Map([['n', n]]));
      });
    });
    // Chromium may end the cached page for that.
    await browser.awayAndBack(page, `${site.secure}/away`, async () => {
      const other = await browser.open(site.secure);
      await other.evaluate(() => window.parley.indexedDbStorage().write(new Map([['other', 1]])));
    });
    const rows = await page.evaluate(async () => [...(await window.parley.indexedDbStorage().read(''))]);
    expect(rows).toEqual([
      ['n', expect.any(Number)],
      ['other', 1],
    ]);
  });

  test('another tab may delete the database, or bring a newer one: both go on', async () => {
    const page = await open();
    const other = await browser.open(site.secure);
    await page.evaluate(async () => {
      window.storage = window.parley.indexedDbStorage();
      await window.storage.write(new Map([['old', 1]]));
    });
    const upgrade = (version: number) =>
      other.evaluate(
        (to) =>
          new Promise<void>((resolve, reject) => {
            const request = indexedDB.open('parley', to);
            request.addEventListener('blocked', () => reject(new Error('blocked')));
            request.addEventListener('error', () => reject(request.error!));
            request.addEventListener('upgradeneeded', () => request.result.createObjectStore('more'));
            request.addEventListener('success', () => {
              request.result.close();
              resolve();
            });
          }),
        version,
      );
    await upgrade(7);
    await page.evaluate(() => window.storage.write(new Map([['new', 2]])));
    expect(await page.evaluate(async () => [...(await window.storage.read('')).keys()])).toEqual(['new', 'old']);
    await other.evaluate(
      () =>
        new Promise<void>((resolve, reject) => {
          const request = indexedDB.deleteDatabase('parley');
          request.addEventListener('blocked', () => reject(new Error('blocked')));
          request.addEventListener('success', () => resolve());
        }),
    );
    await page.evaluate(() => window.storage.write(new Map([['newest', 3]])));
    expect(await page.evaluate(async () => [...(await window.storage.read('')).keys()])).toEqual(['newest']);
  });

  test('goes on after a person cleared what sites have stored, also for calls that are under way', async () => {
    const page = await open();
    await page.evaluate(async () => {
      window.storage = window.parley.indexedDbStorage();
      await window.storage.write(new Map([['old', 1]]));
    });
    const writing = page.evaluate(async () => {
      for (let n = 0; n < 300; n++) await window.storage.write(new Map([['n', n]]));
    });
    await browser.command(page, 'Storage.clearDataForOrigin', { origin: site.secure, storageTypes: 'all' });
    await writing;
    expect(await page.evaluate(async () => [...(await window.storage.read(''))])).toEqual([['n', 299]]);
  });

  test('opens a connection anew that the browser has dropped, but not for ever', async () => {
    const page = await open();
    const [written, error] = await page.evaluate(async () => {
      const storage = window.parley.indexedDbStorage();
      await storage.write(new Map([['a', 1]]));
      // As Safari does it after a while in the background.
      const transaction = Reflect.get(IDBDatabase.prototype, 'transaction');
      let left = 2;
      IDBDatabase.prototype.transaction = function (...given) {
        if (left-- > 0) throw new DOMException('Connection to Indexed Database server lost.', 'UnknownError');
        return transaction.apply(this, given);
      };
      await Promise.all([storage.write(new Map([['a', 2]])), storage.write(new Map([['b', 3]]))]);
      const found = [...(await storage.read(''))];
      left = 3;
      return [found, await window.parley.faultOf(storage.read(''))];
    });
    expect(written).toEqual([
      ['a', 2],
      ['b', 3],
    ]);
    expect(error).toEqual({ name: 'ParleyError', code: 'storage_failed', cause: 'UnknownError', retryable: false });
    expect(await page.evaluate(async () => (await window.parley.indexedDbStorage().read('')).size)).toBe(2);
  });

  test('says that there is no room, loses nothing by it, and goes on when there is', async () => {
    const page = await open();
    const quota = (bytes?: number) =>
      browser.command(page, 'Storage.overrideQuotaForOrigin', {
        origin: site.secure,
        ...(bytes === undefined ? {} : { quotaSize: bytes }),
      });
    await quota(1_000_000);
    await page.evaluate(async () => {
      window.storage = window.parley.indexedDbStorage();
      await window.storage.write(new Map([['small', 1]]));
    });
    const write = () =>
      page.evaluate(() => {
        // What repeats takes no room: it is stored compressed.
        const noise = Array.from({ length: 50 }, () => crypto.getRandomValues(new Uint8Array(60_000)));
        const writing = window.storage.write(
          new Map<string, unknown>([
            ['small', 2],
            ['big', noise],
          ]),
        );
        return window.parley.faultOf(writing);
      });
    expect(await write()).toMatchObject({ name: 'ParleyError', code: 'storage_full', cause: 'QuotaExceededError' });
    expect(await page.evaluate(async () => [...(await window.storage.read(''))])).toEqual([['small', 1]]);
    await quota();
    expect(await write()).toBeUndefined();
    // Chromium hands large values over after small ones, and after it told of the transaction's end.
    const sizes = () => Promise.all(['', 'big', 'small'].map(async (key) => (await window.storage.read(key)).size));
    expect(await page.evaluate(sizes)).toEqual([2, 1, 1]);
  });

  test('gives up on a database that never answers, but not because the page was frozen', async () => {
    site = await browser.serve(files);
    const page = await browser.context.newPage();
    await page.clock.install({ time: 0 });
    await page.goto(site.secure);
    await page.clock.pauseAt(60_000);
    await page.evaluate(() => {
      Object.assign(window, { really: Reflect.get(indexedDB, 'open') });
      IDBFactory.prototype.open = () => ({}) as IDBOpenDBRequest;
      const state = Object.assign(window, { told: [] as unknown[] });
      void window.parley.faultOf(window.parley.indexedDbStorage().read('')).then((fault) => state.told.push(fault));
      window.storage = window.parley.defaultStorage('parley', () => state.told.push('denied'));
      void window.storage.write(new Map([['a', 1]])).then(() => state.told.push('written'));
    });
    const told = () => page.evaluate(() => (window as never as { told: unknown[] }).told);
    // Timers that are due come once, as after a freeze.
    await page.clock.fastForward(3_600_000);
    await page.clock.runFor(8_900);
    expect(await told()).toEqual([]);
    await page.clock.runFor(200);
    await expect.poll(told).toHaveLength(3);
    expect(await told()).toEqual(
      expect.arrayContaining(['denied', 'written', expect.objectContaining({ code: 'storage_failed' })]),
    );
    // A later call begins anew.
    const rows = await page.evaluate(async () => {
      IDBFactory.prototype.open = (window as never as { really: IDBFactory['open'] }).really;
      return [[...(await window.storage.read(''))], [...(await window.parley.indexedDbStorage().read(''))]];
    });
    expect(rows).toEqual([[['a', 1]], []]);
  });

  test('falls back to memory in a frame that may store nothing', async () => {
    site = await browser.serve({ ...files, '/frame': `<iframe sandbox="allow-scripts" src="/"></iframe>` });
    const page = await browser.open(`${site.secure}/frame`);
    const frame = page.frames()[1];
    expect(
      await frame.evaluate(async () => {
        let denied = 0;
        await window.parley.checkStorage(window.parley.defaultStorage('parley', () => denied++));
        await window.parley.checkStorage(window.parley.sessionStore());
        return [denied, (await window.parley.faultOf(window.parley.indexedDbStorage().read('')))?.code];
      }),
    ).toEqual([1, 'storage_failed']);
  });

  test('falls back to memory where the person blocks what sites store', async () => {
    const strict = await TestBrowser.start({ profile: { default_content_setting_values: { cookies: 2 } } });
    try {
      site = await strict.serve(files);
      const page = await strict.open(site.secure);
      const denied = await page.evaluate(async () => {
        const errors: string[] = [];
        await window.parley.checkStorage(window.parley.defaultStorage('parley', (error) => errors.push(String(error))));
        await window.parley.checkStorage(window.parley.sessionStore());
        return errors;
      });
      expect(denied).toHaveLength(1);
    } finally {
      await strict.stop();
    }
  });

  test('close comes after what was begun; what was never opened is not', async () => {
    const page = await open();
    expect(
      await page.evaluate(async () => {
        const unused = window.parley.indexedDbStorage('unused');
        await unused.close!();
        await window.parley.defaultStorage('unused').close!();
        const storage = window.parley.defaultStorage('used');
        const order: string[] = [];
        const writes = Array.from({ length: 30 }, (_, n) =>
          storage.write(new Map([[`${n}`, n]])).then(() => order.push('write')),
        );
        await storage.close!().then(() => order.push('close'));
        await Promise.all(writes);
        return [order.indexOf('close'), order.length, (await indexedDB.databases()).map(({ name }) => name)];
      }),
    ).toEqual([30, 31, ['used']]);
  });

  test('the session of a tab outlives its reload, and no other tab has it', async () => {
    const page = await open();
    await page.evaluate(() => window.parley.sessionStore().write(new Map([['token', 'secret']])));
    await page.reload();
    expect(await page.evaluate(async () => [...(await window.parley.sessionStore().read('')).keys()])).toEqual([
      'token',
    ]);
    const other = await browser.open(site.secure);
    expect(await other.evaluate(async () => (await window.parley.sessionStore().read('')).size)).toBe(0);
    const full = await page.evaluate(async () => {
      const storage = window.parley.sessionStore();
      const fault = await window.parley.faultOf(storage.write(new Map([['token', 'x'.repeat(20_000_000)]])));
      return [fault?.code, (await storage.read('')).get('token')];
    });
    expect(full).toEqual(['storage_full', 'secret']);
  });
});
