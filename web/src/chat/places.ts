import type { Timeline } from 'parley-client';
import { ofTab } from '../parts/kept.js';
import { seqsOf, type Row } from './rows.js';

/*
 * Where one is in the list of messages, where one begins, and where a key leads.
 */

/** Where a conversation stood when it was left: the first message in view, and how far it was cut. Of this tab. */
export interface Place {
  readonly seq: number;
  readonly offset: number;
}

const placeOf = (key: string): string => `place:${key}`;

export function savedPlace(chat: string): Place | undefined {
  const saved = ofTab.read(placeOf(chat));
  return saved === undefined ? undefined : (JSON.parse(saved) as Place);
}

/** @param place undefined: at the end, where one begins anyway */
export function savePlace(chat: string, place: Place | undefined): void {
  if (place) ofTab.write(placeOf(chat), JSON.stringify(place));
  else ofTab.remove(placeOf(chat));
}

/** What one may begin at, the first that there is: a message that a link leads to, what is new, where one was. */
export interface Wishes {
  readonly seq: number | undefined;
  readonly place: Place | undefined;
  /** The page was reloaded: then where one was comes before what is new. */
  readonly isBack: boolean;
}

/** `load`: a message that has to be loaded first, and is not on its way. `soon`: it is on its way. */
export type Beginning =
  | { readonly at: 'message'; readonly index: number }
  | { readonly at: 'new'; readonly index: number }
  | { readonly at: 'place'; readonly index: number; readonly offset: number }
  | { readonly at: 'load'; readonly seq: number }
  | { readonly at: 'soon' }
  | { readonly at: 'end' };

/**
 * @param index of a row, by its key
 * @param newest the number of the newest message that is known to exist
 */
export function whereToBegin(
  { items, at_end, new_from }: Timeline,
  rows: readonly Row[],
  index: (key: string) => number | undefined,
  { seq, place, isBack }: Wishes,
  newest: number,
): Beginning {
  const loaded = seqsOf(items);
  const where = (wanted: number): number | 'load' | 'soon' | undefined => {
    if (!loaded || (wanted > loaded.last && at_end)) return (loaded?.last ?? 0) < newest ? 'soon' : undefined;
    if (wanted < loaded.first || wanted > loaded.last) return 'load';
    return rows.findIndex((row) => row.type === 'message' && row.item.seq === wanted);
  };
  const isNew = new_from !== undefined && !(isBack && place);
  const wanted = Math.max(1, seq ?? (isNew ? new_from : place?.seq) ?? Infinity);
  if (wanted === Infinity) return { at: 'end' };
  const found = where(wanted);
  if (found === undefined) return { at: 'end' };
  if (found === 'soon') return { at: 'soon' };
  if (found === 'load') return { at: 'load', seq: wanted };
  if (seq !== undefined) return { at: 'message', index: found };
  return isNew ? { at: 'new', index: index('new') ?? found } : { at: 'place', index: found, offset: place!.offset };
}

/** The day of the topmost row, unless its own line stands there. */
export function dayAt(rows: readonly Row[], index: number, cut: number): string | undefined {
  const near = rows.slice(index, index + 2);
  if (near.some((row) => row.type === 'day') && cut < 48) return undefined;
  for (let i = index; i >= 0; i--) {
    const row = rows[i]!;
    if (row.type === 'day') return row.at;
    if (row.type === 'start') return undefined;
  }
  const row = rows[index];
  return row?.type === 'message' ? row.item.timestamp : undefined;
}

/** @returns the index of the message that a key leads to; undefined where it leads nowhere */
export function nextMessage(rows: readonly Row[], from: number, key: string, height: number): number | undefined {
  const isMessage = (index: number): boolean => rows[index]?.type === 'message';
  const step = (start: number, by: 1 | -1): number | undefined => {
    for (let i = start; i >= 0 && i < rows.length; i += by) if (isMessage(i)) return i;
    return undefined;
  };
  const page = Math.max(1, Math.floor(height / 60));
  switch (key) {
    case 'ArrowUp':
      return step(from - 1, -1);
    case 'ArrowDown':
      return step(from + 1, 1);
    case 'PageUp':
      return step(Math.max(0, from - page), -1) ?? step(0, 1);
    case 'PageDown':
      return step(Math.min(rows.length - 1, from + page), 1) ?? step(rows.length - 1, -1);
    case 'Home':
      return step(0, 1);
    case 'End':
      return step(rows.length - 1, -1);
    default:
      return undefined;
  }
}

/** Of the column of text: without the margin for names and the column of times. */
export function textWidth(element: HTMLElement): number {
  const style = getComputedStyle(element);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const gutter = Number.parseFloat(style.getPropertyValue('--gutter')) * rem;
  const outer = element.clientWidth - 2 * Number.parseFloat(style.paddingInlineStart);
  return Math.min(outer - gutter - (gutter > 0 ? 7 : 1) * rem, 41 * rem);
}
