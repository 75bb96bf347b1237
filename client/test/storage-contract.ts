import type { ParleyStorage } from '../src/seams.js';

/** What every storage does. Runs in Node and in pages; throws where it does not. Begins with an empty one. */
export async function checkStorage(storage: ParleyStorage): Promise<void> {
  const expect = async (what: string, prefix: string, expected: readonly (readonly [string, unknown])[]) => {
    const found = JSON.stringify([...(await storage.read(prefix))]);
    if (found !== JSON.stringify(expected)) throw new Error(`${what}: ${found} instead of ${JSON.stringify(expected)}`);
  };
  await expect('empty', '', []);

  const value = { text: 'Grüße 👋 \u2028 \ud800', list: [1, null, { deep: true }], __proto__: null };
  await storage.write(
    new Map<string, unknown>([
      ['b:10', value],
      ['b:9', 'nine'],
      ['a', 0],
      ['b', false],
      ['c:\u00e4', ''],
      ['c:z', null],
      ['__proto__', 'a key like others'],
    ]),
  );
  await expect('prefix, in the order of keys', 'b:', [
    ['b:10', value],
    ['b:9', 'nine'],
  ]);
  await expect('a key that is the prefix', 'b', [
    ['b', false],
    ['b:10', value],
    ['b:9', 'nine'],
  ]);
  await expect('order by code units', 'c', [
    ['c:z', null],
    ['c:\u00e4', ''],
  ]);
  await expect('a name that objects have', '__', [['__proto__', 'a key like others']]);
  await expect('nothing of it', 'b:9x', []);

  value.text = 'changed by the writer';
  const read = await storage.read('b:10');
  (read.get('b:10') as typeof value).list.push(2);
  value.text = 'Grüße 👋 \u2028 \ud800';
  await expect('nobody else has the object', 'b:10', [['b:10', value]]);

  await storage.write(
    new Map<string, unknown>([
      ['b:9', undefined],
      ['never there', undefined],
      ['a', 1],
    ]),
  );
  await expect('put and deleted', '', [
    ['__proto__', 'a key like others'],
    ['a', 1],
    ['b', false],
    ['b:10', value],
    ['c:z', null],
    ['c:\u00e4', ''],
  ]);

  // Neither waits for the other, and the last one wins.
  const writes = Array.from({ length: 20 }, (_, at) => storage.write(new Map([['n', at]])));
  await expect('read after writes', 'n', [['n', 19]]);
  await Promise.all(writes);

  const unreadable = {
    get value() {
      throw new Error('unreadable');
    },
  };
  const outcome = await storage
    .write(
      new Map<string, unknown>([
        ['x', 1],
        ['y', unreadable],
      ]),
    )
    .catch(() => 'refused');
  if (outcome !== 'refused') throw new Error('What cannot be read was written.');
  await expect('all of a write or nothing', 'x', []);
  await storage.write(new Map([['x', 2]]));
  await expect('and it goes on', 'x', [['x', 2]]);
}
