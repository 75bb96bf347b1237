// @vitest-environment happy-dom
import fc from 'fast-check';
import type { MessageItem, NoticeItem, Timeline } from 'parley-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { whereToBegin } from '../src/chat/places.js';
import { keepRows, type Row, rowsOf } from '../src/chat/rows.js';

const ME = 1;

const said = (seq: number, more: Partial<MessageItem> = {}): MessageItem => ({
  kind: 'message',
  key: `#${seq}`,
  mine: false,
  state: 'stored',
  seq,
  user_id: 2,
  message: `No. ${seq}`,
  timestamp: new Date(Date.UTC(2026, 4, 1, 12, seq)).toISOString(),
  ...more,
});
const came = (key: string, user_id = 3): NoticeItem => ({
  kind: 'notice',
  key,
  message: '',
  timestamp: new Date(Date.UTC(2026, 4, 1, 12)).toISOString(),
  change: 'entered',
  user_ids: [user_id],
});
const from = (first: number, last: number): MessageItem[] =>
  Array.from({ length: last - first + 1 }, (_, n) => said(first + n));
const timelineOf = (items: Timeline['items'], more: Partial<Timeline> = {}): Timeline => ({
  items,
  at_start: false,
  at_end: true,
  below: 0,
  ...more,
});
const drawn = (timeline: Timeline): Row[] => rowsOf(timeline, ME, () => 'sent');
const shape = (timeline: Timeline): string =>
  drawn(timeline)
    .map(({ key }) => key)
    .join(' ');

describe('the rows of a conversation', () => {
  it('have keys of their own, whatever the clocks say', () => {
    const moment = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 0, 9) });
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 30 }), (moments) => {
        const items = moments.map((at, n) => said(n + 1, { timestamp: new Date(at).toISOString() }));
        const keys = drawn(timelineOf(items)).map(({ key }) => key);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  it('say where what is new begins only where that is loaded', () => {
    expect(shape(timelineOf(from(5, 7), { new_from: 6 }))).toMatch(/^day:\d+ #5 new #6 #7$/);
    expect(shape(timelineOf(from(5, 7), { new_from: 5 }))).toMatch(/^day:\d+ new #5 #6 #7$/);
    expect(shape(timelineOf(from(5, 7), { new_from: 3 }))).toMatch(/^day:\d+ #5 #6 #7$/);
  });

  it('begin no day with what they do not show', () => {
    expect(shape(timelineOf([came('notice:1', ME)], { at_start: true }))).toBe('start');
    expect(shape(timelineOf([came('notice:1')]))).toMatch(/^day:\d+ notice:1$/);
  });

  it('stay the same objects where nothing has changed', () => {
    const items = [...from(1, 2), came('notice:1'), came('notice:2'), ...from(3, 4)];
    const before = drawn(timelineOf(items));
    const after = keepRows(drawn(timelineOf([...items, said(5)])), before);
    // The one before is the last of its turn no more.
    expect(after.filter((row, n) => row !== before[n]).map(({ key }) => key)).toEqual(['#4', '#5']);
  });
});

describe('where one begins', () => {
  const begin = (timeline: Timeline, wishes: Partial<Parameters<typeof whereToBegin>[3]> = {}, newest = 9) => {
    const rows = drawn(timeline);
    const found = whereToBegin(
      timeline,
      rows,
      (key) => rows.findIndex((row) => row.key === key),
      { seq: undefined, place: undefined, isBack: false, ...wishes },
      newest,
    );
    return 'index' in found
      ? `${found.at} ${rows[found.index].key}`
      : 'seq' in found
        ? `${found.at} ${found.seq}`
        : found.at;
  };
  const place = { seq: 6, offset: 10 };

  it('is at the message of a link, at what is new, where one was, or at the end', () => {
    const loaded = timelineOf(from(5, 9));
    expect(begin(loaded)).toBe('end');
    expect(begin(loaded, { place })).toBe('place #6');
    expect(begin({ ...loaded, new_from: 8 }, { place })).toBe('new new');
    expect(begin({ ...loaded, new_from: 8 }, { place, isBack: true })).toBe('place #6');
    expect(begin({ ...loaded, new_from: 8 }, { place, seq: 5 })).toBe('message #5');
  });

  it('is loaded where it lies above what is loaded, and waited for where it is on its way', () => {
    expect(begin(timelineOf(from(5, 9), { new_from: 2 }))).toBe('load 2');
    expect(begin(timelineOf(from(5, 9)), { seq: 0 })).toBe('load 1');
    expect(begin(timelineOf(from(1, 5), { new_from: 7 }))).toBe('soon');
    expect(begin(timelineOf(from(1, 5), { at_end: false }), { seq: 7 })).toBe('load 7');
    // There is no such message.
    expect(begin(timelineOf(from(5, 9)), { seq: 99 })).toBe('end');
    expect(begin(timelineOf([]), { seq: 99 }, 0)).toBe('end');
  });
});

describe('a day', () => {
  afterEach(() => vi.useRealTimers());

  it('is yesterday for whoever shows it when the next one begins', async () => {
    vi.useFakeTimers({ now: new Date(2026, 4, 1, 23, 59, 50) });
    vi.resetModules();
    const { computed } = await import('@preact/signals');
    const { dayLabel, when } = await import('../src/format.js');
    const at = new Date().toISOString();
    const label = computed(() => dayLabel(at));
    const told: string[] = [];
    label.subscribe((now) => void told.push(now));
    expect(when(at)).not.toContain('May');
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual(['Today', 'Yesterday']);
    expect(when(at)).toContain('May');
  });
});
