import type { Mentions } from 'parley-client';

/*
 * Whom a text names. The text alone does not say it: two people may have one name, and not every @ is meant for somebody. So it is kept
 * beside the text where in it somebody was named.
 */

/** The number that no person has. */
export const EVERYONE = 0;

export interface Named {
  readonly id: number;
  /** As the text calls them, without the @. */
  readonly name: string;
}

export interface Mark extends Named {
  /** Where the @ stands. */
  readonly start: number;
}

const BEFORE = /[\p{L}\p{M}\p{N}_]$/u;
const BEHIND = /^[\p{L}\p{M}\p{N}_]/u;

const endOf = ({ start, name }: Mark): number => start + 1 + name.length;

/** Whether the text says it there: neither behind a letter nor as the beginning of a longer word. */
const stands = (text: string, mark: Mark): boolean =>
  text.startsWith(`@${mark.name}`, mark.start) &&
  !BEFORE.test(text.slice(0, mark.start)) &&
  !BEHIND.test(text.slice(endOf(mark)));

/** The marks where the text is another: what was changed names nobody any more, the rest goes along. @param caret where the change ends */
export function moved(marks: readonly Mark[], before: string, after: string, caret: number): readonly Mark[] {
  let tail = 0;
  const most = Math.min(before.length, after.length - caret);
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  let head = 0;
  const room = Math.min(before.length, after.length) - tail;
  while (head < room && before[head] === after[head]) head++;
  const shift = after.length - before.length;
  return marks
    .flatMap((mark) => {
      if (mark.start >= before.length - tail) return [{ ...mark, start: mark.start + shift }];
      return endOf(mark) <= head ? [mark] : [];
    })
    .filter((mark) => stands(after, mark));
}

/** Where the text names them, each once, in their order. */
export function placed(text: string, all: readonly Named[]): readonly Mark[] {
  const marks: Mark[] = [];
  // The longest first: one name may begin another.
  const byLength = [...all].sort((a, b) => b.name.length - a.name.length);
  for (const { id, name } of byLength) {
    for (let start = text.indexOf(`@${name}`); start >= 0; start = text.indexOf(`@${name}`, start + 1)) {
      const mark = { id, name, start };
      if (!stands(text, mark) || marks.some((other) => start < endOf(other) && other.start < endOf(mark))) continue;
      marks.push(mark);
      break;
    }
  }
  return marks.sort((a, b) => a.start - b.start);
}

export const isNamedIn = (text: string, named: Named): boolean => placed(text, [named]).length > 0;

/** For `send`; undefined where nobody is named. */
export function mentionsOf(all: readonly Named[]): Mentions | undefined {
  const ids = new Set(all.map(({ id }) => id));
  const isEveryone = ids.delete(EVERYONE);
  if (ids.size === 0 && !isEveryone) return undefined;
  return { user_ids: [...ids], ...(isEveryone && { everyone: true }) };
}

/**
 * Whom a message goes on to name that is changed: not those whom the text called by one of their names, and calls no more.
 *
 * @returns undefined: all of them
 */
export function stillNamed(
  mentions: Mentions,
  before: string,
  after: string,
  namesOf: (id: number) => readonly string[],
): Mentions | undefined {
  const isGone = (id: number, names: readonly string[]): boolean => {
    const isIn = (text: string): boolean => names.some((name) => name !== '' && isNamedIn(text, { id, name }));
    return isIn(before) && !isIn(after);
  };
  const user_ids = mentions.user_ids.filter((id) => !isGone(id, namesOf(id)));
  const everyone = mentions.everyone && !isGone(EVERYONE, ['everyone']);
  if (user_ids.length === mentions.user_ids.length && everyone === mentions.everyone) return undefined;
  return { user_ids, ...(everyone && { everyone: true }) };
}
