import { afterEach, describe, expect, it, vi } from 'vitest';
import { ofTab } from '../src/parts/kept.js';

afterEach(() => vi.unstubAllGlobals());

describe('what a browser keeps for a page', () => {
  it('is in its storage', () => {
    const rows = new Map<string, string>();
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => rows.get(key) ?? null,
      setItem: (key: string, text: string) => rows.set(key, text),
      removeItem: (key: string) => rows.delete(key),
    });
    ofTab.write('wanted', '/settings');
    expect(rows).toEqual(new Map([['wanted', '/settings']]));
    expect(ofTab.read('wanted')).toBe('/settings');
    ofTab.remove('wanted');
    expect(ofTab.read('wanted')).toBeUndefined();
  });

  it.each([
    // As where cookies are blocked: the getter throws.
    ['denied', undefined],
    [
      'full',
      {
        getItem: () => 'of long ago',
        setItem: () => {
          throw new DOMException('', 'QuotaExceededError');
        },
        removeItem: () => undefined,
      },
    ],
  ])('holds as long as the page where storage is %s', (_, storage) => {
    if (storage) vi.stubGlobal('sessionStorage', storage);
    else
      vi.stubGlobal('sessionStorage', {
        get getItem(): never {
          throw new DOMException('', 'SecurityError');
        },
      });
    ofTab.write('wanted', '/settings');
    expect(ofTab.read('wanted')).toBe('/settings');
    ofTab.remove('wanted');
    expect(ofTab.read('wanted')).not.toBe('/settings');
  });
});
