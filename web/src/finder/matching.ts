import { fullName } from '../format.js';

/*
 * Which part of a name was looked for. The server finds people; what is here filters what is at hand already, and says what to mark.
 */

/** Where a match stands in a text: from, and up to but without. */
export type Span = readonly [from: number, to: number];

/** A text without case and accents, and for each of its UTF-16 units where that comes from. */
interface Folded {
  readonly text: string;
  readonly from: readonly number[];
}

/** Letters that Unicode does not take apart, as the server reads them. */
const PLAIN: Readonly<Record<string, string>> = { ø: 'o', ł: 'l', đ: 'd', ð: 'd', ħ: 'h', þ: 'th', æ: 'ae', œ: 'oe' };
const HAS_ACCENTS = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;
const IS_MARK = /^\p{M}+$/u;

function fold(original: string): Folded {
  let text = '';
  const from: number[] = [];
  let at = 0;
  let takesAccents = false;
  for (const character of original) {
    let plain = '';
    // Upper case first, which makes SS of ß.
    for (const part of character.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD')) {
      // In other scripts marks are vowels, or make another letter.
      if (IS_MARK.test(part) && takesAccents) continue;
      takesAccents = HAS_ACCENTS.test(part);
      plain += /\s/u.test(part) ? ' ' : (PLAIN[part] ?? part);
    }
    // Several blanks are one.
    if (plain === ' ' && (text === '' || text.endsWith(' '))) plain = '';
    text += plain;
    for (let i = 0; i < plain.length; i++) from.push(at);
    at += character.length;
  }
  from.push(original.length);
  return { text, from };
}

/** What is looked for, folded once for all names that it is held against. */
export const toNeedle = (query: string): string => fold(query).text.trim();

/** What of a folded text's beginning at `start` the next `length` units are in the original; accents behind the last one belong to it. */
const spanOf = ({ from }: Folded, start: number, length: number): Span => [from[start]!, from[start + length]!];

/** Begins the name of a person so, first name first or last name first? @returns what to mark in their full name */
export function matchPerson(
  person: { readonly first_name: string; readonly last_name: string },
  needle: string,
): readonly Span[] | undefined {
  if (needle === '') return [];
  const whole = fold(fullName(person));
  if (whole.text.startsWith(needle)) return [spanOf(whole, 0, needle.length)];
  const last = fold(person.last_name).text.trim();
  const first = fold(person.first_name).text.trim();
  if (last === '' || !`${last} ${first}`.startsWith(needle)) return undefined;
  const lastAt = whole.text.length - last.length;
  const inLast = spanOf(whole, lastAt, Math.min(needle.length, last.length));
  const rest = needle.length - last.length - 1;
  return rest > 0 ? [spanOf(whole, 0, rest), inLast] : [inLast];
}

/** Begins a word of this title so? @returns what to mark in it */
export function matchTitle(title: string, needle: string): readonly Span[] | undefined {
  if (needle === '') return [];
  const folded = fold(title);
  for (let at = folded.text.indexOf(needle); at >= 0; at = folded.text.indexOf(needle, at + 1)) {
    const before = folded.text.charAt(at - 1);
    if (at === 0 || !/[\p{L}\p{N}\p{M}]/u.test(before)) return [spanOf(folded, at, needle.length)];
  }
  return undefined;
}
