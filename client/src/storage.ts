/* oxlint-disable unicorn/prefer-add-event-listener -- nobody else has these objects, and in browsers every byte counts */
import { ParleyError } from './errors.js';
import type { ParleyStorage } from './seams.js';

/** What a page waits for IndexedDB, which in some browsers' bad hours never answers. */
const ANSWER_WITHIN_S = 10;
/** In all, of a call: while a person clears what is stored, a connection may break more than once. */
const TRIES = 3;
const ROWS = 'rows';

type Rows = Map<string, unknown>;

function apply(rows: Rows, changes: ReadonlyMap<string, unknown>): void {
  for (const [key, value] of changes) {
    if (value === undefined) rows.delete(key);
    else rows.set(key, value);
  }
}

/** In the order of IndexedDB: by UTF-16 code units. */
const startingWith = (prefix: string, rows: Rows): Rows =>
  new Map([...rows].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)));

function failed(error: unknown): never {
  const { name, message } = error as Error;
  throw name === 'QuotaExceededError'
    ? new ParleyError('storage_full', 'No room is left for this site.', { cause: error })
    : new ParleyError('storage_failed', `Storage failed: ${message}`, { cause: error });
}

/** Gone with the page, or the process. */
export function memoryStorage(): ParleyStorage {
  const rows: Rows = new Map();
  return {
    read: async (prefix) => structuredClone(startingWith(prefix, rows)),
    write: async (changes) => apply(rows, structuredClone(changes)),
  };
}

/**
 * The sessionStorage of this tab: outlives a reload, and is forgotten when the tab closes. For little, such as a token: one item holds
 * all of it, so that a write is atomic. Values as JSON can hold them. Memory, where the browser denies it.
 * @throws ParleyError `storage_full`
 */
export function sessionStore(name = 'parley'): ParleyStorage {
  try {
    const tab = sessionStorage;
    const all = (): Rows => new Map(JSON.parse(tab.getItem(name) ?? '[]') as [string, unknown][]);
    all();
    return {
      read: async (prefix) => startingWith(prefix, all()),
      write: async (changes) => {
        const rows = all();
        apply(rows, changes);
        try {
          tab.setItem(name, JSON.stringify([...rows]));
        } catch (error) {
          failed(error);
        }
      },
    };
  } catch {
    return memoryStorage();
  }
}

/**
 * A database of this origin, shared by its tabs. A write resolves when it is on the disk: what is kept here is what somebody wrote and
 * no server has yet, and the browsers' default hands that to the operating system alone, which loses it with the battery.
 *
 * What is begun while a page goes away is finished, since its transaction is committed at once; none is held open, so a page may enter
 * the back/forward cache. A connection that breaks is opened anew: Safari drops them in the background, a person clears what sites have
 * stored, another tab deletes the database or brings a newer one.
 * @throws ParleyError `storage_full`; `storage_failed`, also after 10 s without an answer
 */
export function indexedDbStorage(name = 'parley'): ParleyStorage {
  let opening: Promise<IDBDatabase> | undefined;

  const forget = (which: typeof opening): void => {
    which?.then(
      (database) => database.close(),
      () => {},
    );
    if (which === opening) opening = undefined;
  };

  const open = (): Promise<IDBDatabase> => {
    const mine = (opening ??= new Promise((resolve, reject) => {
      // Without a version: a newer one of this library may have left its own.
      const request = indexedDB.open(name);
      request.onupgradeneeded = () => request.result.createObjectStore(ROWS);
      request.onerror = () => reject(request.error!);
      request.onsuccess = () => {
        request.result.onclose = request.result.onversionchange = () => forget(mine);
        resolve(request.result);
      };
    }));
    return mine;
  };

  /** @param work begins its requests, and says what comes of them in the end */
  const run = async <T>(mode: IDBTransactionMode, work: (rows: IDBObjectStore) => () => T): Promise<T> => {
    const end = new AbortController();
    let fail: (error: unknown) => void;
    // Counted by ticks, of which a page that was frozen gets one: for it no time has passed.
    let left = ANSWER_WITHIN_S;
    const clock = setInterval(() => --left || fail(new Error('no answer')), 1000);
    try {
      for (let tries = 1; ; tries++) {
        const from = open();
        try {
          const result = await new Promise<() => T>((resolve, reject) => {
            fail = reject;
            // Where it is open this goes on in the same turn, as what is written by a page on its way out must.
            from
              .then((database) => {
                if (left < 1) return;
                const transaction = database.transaction(ROWS, mode, { durability: 'strict' });
                transaction.onabort = () => reject(transaction.error ?? new Error('broken off'));
                // Chromium forgets transactions that it was about to commit: nothing else is heard of them.
                database.addEventListener('close', transaction.onabort, end);
                try {
                  const begun = work(transaction.objectStore(ROWS));
                  transaction.oncomplete = () => resolve(begun);
                } catch (error) {
                  reject(error);
                  transaction.abort();
                }
              })
              .catch(reject);
          });
          return result();
        } catch (error) {
          forget(from);
          if (left < 1 || tries === TRIES || (error as Error).name === 'QuotaExceededError') failed(error);
        }
      }
    } finally {
      clearInterval(clock);
      end.abort();
    }
  };

  const read = (prefix: string): Promise<Rows> =>
    run('readonly', (rows) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      const [keys, values] = [rows.getAllKeys(range), rows.getAll(range)];
      return () => new Map(keys.result.map((key, at) => [key as string, values.result[at] as unknown]));
    });

  return {
    read,
    write: (changes) =>
      run('readwrite', (rows) => {
        for (const [key, value] of changes) {
          if (value === undefined) rows.delete(key);
          else rows.put(value, key);
        }
        // Now, not after the answers to its requests: those never reach a page that goes away.
        rows.transaction.commit();
        return () => {};
      }),
    close: async () => {
      // Comes after all that was begun.
      if (opening) await read('\uffff').catch(() => {});
      forget(opening);
    },
  };
}

/**
 * IndexedDB; memory where there is none, or where the browser denies it: blocked cookies, frames in a sandbox, a broken profile.
 * @param denied is told why, where it was denied
 */
export function defaultStorage(name?: string, denied?: (error: unknown) => void): ParleyStorage {
  if (!('indexedDB' in globalThis)) return memoryStorage();
  let storage = indexedDbStorage(name);
  let trial: Promise<void> | undefined;
  const chosen = (): Promise<void> =>
    (trial ??= storage.read('\uffff').then(
      () => {},
      (error: unknown) => {
        storage = memoryStorage();
        denied?.(error);
      },
    ));
  return {
    read: (prefix) => chosen().then(() => storage.read(prefix)),
    write: (changes) => chosen().then(() => storage.write(changes)),
    close: async () => trial?.then(() => storage.close?.()),
  };
}
