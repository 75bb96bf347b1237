// What is kept of pages in memory has bounds, and a page that fails is asked for again.
import { expect, it } from 'vitest';
import { jsonOf } from '../../src/common/http/prepared-json.js';
import { SharedPages } from '../../src/conversations/shared-pages.js';

const pageOf = (text: string) => ({
  views: [{ seq: 1, user_id: 1, message: text, timestamp: '2026-11-28T00:00:00.000Z' }],
  hasReactions: false,
});
const place = (conversationId: number, lastChange = 0) => ({ conversationId, from: 1, to: 1, lastChange });

/** How often a page is read for it. */
async function readings(pages: SharedPages, conversationId: number, text: string, lastChange = 0): Promise<number> {
  let count = 0;
  await pages.page(place(conversationId, lastChange), () => Promise.resolve((count++, pageOf(text))));
  return count;
}

it('a page is read once for each change', async () => {
  const pages = new SharedPages();
  expect(await readings(pages, 1, 'a')).toBe(1);
  expect(await readings(pages, 1, 'a')).toBe(0);
  expect(await readings(pages, 1, 'b', 2)).toBe(1);
  expect((await pages.page(place(1, 2), () => Promise.reject(new Error('unread')))).views[0]?.message).toBe('b');
  // Asked before that change, and slower: it does not push out what is newer.
  expect(await readings(pages, 1, 'a', 1)).toBe(1);
  expect(await readings(pages, 1, 'b', 2)).toBe(0);
});

it('what is too large for one page is not kept, and many push out the oldest', async () => {
  const pages = new SharedPages();
  const large = 'x'.repeat(1_000_000);
  for (let i = 0; i < 2; i++) expect(await readings(pages, 1, large)).toBe(1);
  const half = 'x'.repeat(500_000);
  for (let id = 10; id < 40; id++) expect(await readings(pages, id, half)).toBe(1);
  expect(await readings(pages, 39, half)).toBe(0);
  expect(await readings(pages, 10, half)).toBe(1);
});

it('a page that could not be read is asked for again', async () => {
  const pages = new SharedPages();
  await expect(pages.page(place(1), () => Promise.reject(new Error('busy')))).rejects.toThrow('busy');
  expect(await readings(pages, 1, 'a')).toBe(1);
});

it('only the same question is asked again', () => {
  const pages = new SharedPages();
  expect(pages.isAskedAgain(1, {})).toBe(false);
  expect(pages.isAskedAgain(1, {})).toBe(true);
  for (const query of [{ after: 1 }, { before: 1 }, { limit: 1 }, { after: 1, limit: 1 }])
    expect(pages.isAskedAgain(1, query)).toBe(false);
  expect(pages.isAskedAgain(2, {})).toBe(false);
});

it('the JSON of everything else is made anew', () => {
  for (const value of [null, 1, 'a', [], { a: 1 }]) expect(jsonOf(value)).toBe(JSON.stringify(value));
});
