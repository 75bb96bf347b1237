import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../src/data.js';
import { Window } from '../src/window.js';

const message = (seq: number, change?: number): Message => ({
  seq,
  user_id: 1,
  message: change === undefined ? `message ${seq}` : `message ${seq}, version ${change}`,
  timestamp: '2026-11-22T06:46:35.437Z',
  ...(change !== undefined && { change }),
});
const page = (from: number, to: number): Message[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => message(from + n));
const seqs = (window: Window): number[] => window.messages.map(({ seq }) => seq);

describe('a window on a chat', () => {
  it('has no gap and nothing twice, whatever arrives in whatever order', () => {
    const piece = fc.record({
      from: fc.integer({ min: 1, max: 40 }),
      length: fc.integer({ min: 0, max: 10 }),
      waits: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.boolean(), fc.array(piece, { maxLength: 60 }), (atEnd, pieces) => {
        const window = new Window();
        window.reset(page(20, 22), atEnd);
        for (const { from, length, waits } of pieces) {
          window.merge(page(from, from + length - 1), waits);
          const now = seqs(window);
          expect(now).toEqual(Array.from({ length: now.length }, (_, n) => now[0] + n));
          expect(now).toEqual(expect.arrayContaining([20, 21, 22]));
          for (const seq of now) expect(window.at(seq)?.seq).toBe(seq);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('shows everything once all has come, whatever came first', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(page(4, 30), { minLength: 27 }), (all) => {
        const window = new Window();
        window.reset(page(1, 3), true);
        for (const one of all) window.merge([one]);
        expect(seqs(window)).toEqual(page(1, 30).map(({ seq }) => seq));
        expect(window.last).toBe(30);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('keeps the newest version of a message, in whatever order they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 })), { minLength: 1 }),
        (changes) => {
          const window = new Window();
          window.reset(page(1, 5), true);
          for (const [seq, change] of changes) {
            if (change % 2 === 0) window.change(message(seq, change));
            else window.merge([message(seq, change)]);
          }
          for (const seq of [1, 2, 3, 4, 5]) {
            const newest = Math.max(0, ...changes.filter(([of]) => of === seq).map(([, change]) => change));
            expect(window.at(seq)?.change ?? 0).toBe(newest);
          }
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it('holds what came too early until what lies before it has come', () => {
    const window = new Window();
    window.reset(page(1, 3), true);
    window.merge([message(7)]);
    expect(seqs(window)).toEqual([1, 2, 3]);
    window.merge(page(4, 6));
    expect(seqs(window)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('holds no more than so many that came too early', () => {
    const window = new Window();
    window.reset(page(1, 3), true);
    window.merge(page(10, 2_000));
    expect(window.atEnd).toBe(false);
    expect(seqs(window)).toEqual([1, 2, 3]);
    window.merge(page(4, 9));
    expect(window.last).toBe(9);
  });

  it('keeps the name of an own message through an edit, which says nothing of it', () => {
    const window = new Window();
    window.reset([{ ...message(1), client_id: 'a1' }], true);
    expect(window.change(message(1, 1))).toBe(true);
    expect(window.at(1)).toMatchObject({ client_id: 'a1', change: 1 });
    expect(window.change(message(1, 1))).toBe(false);
  });

  it('does not change what it showed', () => {
    const window = new Window();
    window.reset(page(1, 3), true);
    const before = window.messages;
    window.merge([message(4)]);
    window.change(message(2, 1));
    expect(before).toEqual(page(1, 3));
  });
});
