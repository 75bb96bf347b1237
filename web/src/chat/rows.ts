import type { Item, MessageItem, NoticeItem, Timeline } from 'parley-client';
import { dayOf } from '../format.js';

/** The two ways in which a conversation goes on beyond what is loaded. */
export type Way = 'older' | 'newer';

/*
 * What the list of a conversation shows, line by line: made of the timeline's items anew with each change, which is cheap; drawn only
 * where it is in view. The key of a row never changes while it lives.
 */

export type Row = StartRow | FailedRow | DayRow | NewRow | NoticeRow | MessageRow;

export interface StartRow {
  readonly type: 'start';
  readonly key: string;
}

/** Where what lies that way could not be loaded. */
export interface FailedRow {
  readonly type: 'failed';
  readonly key: string;
  readonly way: Way;
}

export interface DayRow {
  readonly type: 'day';
  readonly key: string;
  readonly at: string;
}

export interface NewRow {
  readonly type: 'new';
  readonly key: string;
  readonly since: string;
}

/** Who came and went in a row. */
export interface NoticeRow {
  readonly type: 'notice';
  readonly key: string;
  readonly items: readonly NoticeItem[];
}

export interface MessageRow {
  readonly type: 'message';
  readonly key: string;
  readonly item: MessageItem;
  /** The first and the last of what one person says within five minutes. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Whether its state is drawn: on the last of a run that has the same state. */
  readonly hasTick: boolean;
}

const TURN_MS = 5 * 60_000;

const isSameTurn = (before: MessageItem, after: MessageItem): boolean =>
  before.user_id === after.user_id &&
  before.mine === after.mine &&
  Date.parse(after.timestamp) - Date.parse(before.timestamp) < TURN_MS;

/**
 * @param me whose own coming and going is no news
 * @param tickOf what is drawn beside an own message: two in a row that have the same show one
 * @param failed which way could not be loaded
 */
export function rowsOf(
  { items, at_start, new_from }: Timeline,
  me: number | undefined,
  tickOf: (item: MessageItem) => string,
  failed?: Way,
): Row[] {
  const rows: Row[] = [];
  if (at_start) rows.push({ type: 'start', key: 'start' });
  if (failed === 'older') rows.push({ type: 'failed', key: 'failed:older', way: failed });
  // Where what is new begins above what is loaded, no line says so in the middle of it.
  let isNewDrawn = new_from === undefined || (seqsOf(items)?.first ?? 0) > new_from;
  let day: number | undefined;
  let turn: MessageItem | undefined;
  const close = (): void => {
    const last = rows.at(-1);
    if (last?.type === 'message') rows[rows.length - 1] = { ...last, isLast: true };
    turn = undefined;
  };
  for (const item of items) {
    if (item.kind === 'notice' && item.user_ids.length === 1 && item.user_ids[0] === me) continue;
    const today = dayOf(item.timestamp);
    // A clock that was set back begins no day again.
    if (day === undefined || today > day) {
      close();
      rows.push({ type: 'day', key: `day:${today}`, at: item.timestamp });
      day = today;
    }
    if (item.kind === 'notice') {
      close();
      const last = rows.at(-1);
      if (last?.type === 'notice') rows[rows.length - 1] = { ...last, items: [...last.items, item] };
      else rows.push({ type: 'notice', key: item.key, items: [item] });
      continue;
    }
    if (!isNewDrawn && !item.mine && item.seq !== undefined && item.seq >= new_from!) {
      close();
      rows.push({ type: 'new', key: 'new', since: item.timestamp });
      isNewDrawn = true;
    }
    const isFirst = turn === undefined || !isSameTurn(turn, item);
    if (isFirst) close();
    turn = item;
    rows.push({ type: 'message', key: item.key, item, isFirst, isLast: false, hasTick: item.mine });
  }
  close();
  if (failed === 'newer') rows.push({ type: 'failed', key: 'failed:newer', way: failed });
  return withTicks(rows, tickOf);
}

/** From where to where messages are loaded; undefined: none are. */
export function seqsOf(items: readonly Item[]): { readonly first: number; readonly last: number } | undefined {
  const isStored = (item: Item): item is MessageItem & { seq: number } =>
    item.kind === 'message' && item.seq !== undefined;
  const [first, last] = [items.find(isStored), items.findLast(isStored)];
  return first && last && { first: first.seq, last: last.seq };
}

/** Rows that are as they were are the objects that they were: whoever draws them sees that there is nothing to do. */
export function keepRows(rows: readonly Row[], before: readonly Row[]): Row[] {
  const known = new Map(before.map((row) => [row.key, row]));
  return rows.map((row) => {
    const old = known.get(row.key);
    return old && isSame(old, row) ? old : row;
  });
}

const isSame = (a: Row, b: Row): boolean =>
  (Object.keys(b) as (keyof Row)[]).every((name) => {
    const [x, y]: unknown[] = [a[name], b[name]];
    return Array.isArray(x) && Array.isArray(y) ? x.length === y.length && x.every((one, i) => one === y[i]) : x === y;
  });

function withTicks(rows: Row[], tickOf: (item: MessageItem) => string): Row[] {
  let below: string | undefined;
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i]!;
    if (row.type !== 'message') continue;
    if (!row.item.mine) {
      below = undefined;
      continue;
    }
    const tick = tickOf(row.item);
    // A turn's end shows it, whatever stands below.
    if (tick === below && !row.isLast) rows[i] = { ...row, hasTick: false };
    below = tick;
  }
  return rows;
}
