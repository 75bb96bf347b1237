import { signal } from '@preact/signals';

/*
 * Times and names as people read them, in the language and time zone of the browser.
 */

const LANGUAGES = navigator.languages;
const TIME = new Intl.DateTimeFormat(LANGUAGES, { timeStyle: 'short' });
const WEEKDAY = new Intl.DateTimeFormat(LANGUAGES, { weekday: 'short' });
const LONG_WEEKDAY = new Intl.DateTimeFormat(LANGUAGES, { weekday: 'long', day: 'numeric', month: 'long' });
const DAY_AND_MONTH = new Intl.DateTimeFormat(LANGUAGES, { day: 'numeric', month: 'long' });
const SHORT_DATE = new Intl.DateTimeFormat(LANGUAGES, { day: 'numeric', month: 'short' });
const FULL_DATE = new Intl.DateTimeFormat(LANGUAGES, { day: 'numeric', month: 'long', year: 'numeric' });
const MOMENT = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: 'long', timeStyle: 'short' });

const DAY_MS = 86_400_000;
const midnight = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** Changes with the day. Not a timer until midnight: it would stand still while a computer sleeps. */
const day = signal(midnight(new Date()));
setInterval(() => (day.value = midnight(new Date())), 30_000);

/** Days between a moment and now by the calendar, whatever their hours: 1 for yesterday. What shows it is drawn anew after midnight. */
function daysAgo(date: Date): number {
  void day.value;
  return Math.round((midnight(new Date()) - midnight(date)) / DAY_MS);
}

export const time = (at: string | Date): string => TIME.format(new Date(at));
export const moment = (at: string | Date): string => MOMENT.format(new Date(at));

/** `10:42`; of another day than today with it. */
export const when = (at: string): string => (daysAgo(new Date(at)) <= 0 ? time(at) : moment(at));

/** A number that two moments share if and only if they are on one day. */
export const dayOf = (at: string): number => midnight(new Date(at));

/** For a list: `10:42`, `Tue`, `20 Nov`, `3 March 2025`. */
export function brief(at: string): string {
  const date = new Date(at);
  const days = daysAgo(date);
  if (days <= 0) return TIME.format(date);
  if (days < 7) return WEEKDAY.format(date);
  return days < 300 ? SHORT_DATE.format(date) : FULL_DATE.format(date);
}

/** Between messages: `Today`, `Yesterday`, `Tuesday, 24 November`, `3 March 2025`. */
export function dayLabel(at: string | Date): string {
  const date = new Date(at);
  const days = daysAgo(date);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return days > 0 && days < 300 ? LONG_WEEKDAY.format(date) : FULL_DATE.format(date);
}

/** `Seen at 10:20`, `Seen yesterday`, `Seen on 20 Nov`. */
export function seen(at: string): string {
  const date = new Date(at);
  const days = daysAgo(date);
  if (days <= 0) return `Seen at ${TIME.format(date)}`;
  return days === 1 ? 'Seen yesterday' : `Seen on ${days < 300 ? SHORT_DATE.format(date) : FULL_DATE.format(date)}`;
}

/** Of a moment that lies ahead: `18:00`, `tomorrow, 08:00`, `Tue, 08:00`, `3 March 2027`. */
export function ahead(at: string | Date): string {
  const date = new Date(at);
  const days = -daysAgo(date);
  if (days <= 0) return TIME.format(date);
  if (days < 7) return `${days === 1 ? 'tomorrow' : WEEKDAY.format(date)}, ${TIME.format(date)}`;
  return FULL_DATE.format(date);
}

/** `since today`, `since 22 November`. */
export function since(at: string): string {
  const date = new Date(at);
  const days = daysAgo(date);
  if (days <= 0) return 'since today';
  if (days === 1) return 'since yesterday';
  return `since ${days < 300 ? DAY_AND_MONTH.format(date) : FULL_DATE.format(date)}`;
}

interface Named {
  readonly first_name: string;
  readonly last_name: string;
}

export const fullName = ({ first_name, last_name }: Named): string => `${first_name} ${last_name}`.trim();

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const firstOf = (text: string): string => {
  for (const { segment } of GRAPHEMES.segment(text)) return segment.toLocaleUpperCase();
  return '';
};

/** One or two letters for a face: of the first word and the last. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return firstOf(words[0] ?? '') + (words.length > 1 ? firstOf(words.at(-1)!) : '');
}

/** `1 message`, `2 messages`. */
export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** `Ada`, `Ada and Alan`, `Ada, Alan and Grace`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** The class of a person's colour: `v1` is only ever oneself. */
export const voice = (id: number | null, mine = false): string =>
  mine ? 'v1' : id === null ? 'v7' : `v${2 + (id % 5)}`;
