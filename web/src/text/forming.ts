/*
 * An answer that forms is read again with each frame, but only its end: what stands before a blank line is settled.
 */

/** Also in an item of a list. */
const FENCE = /^([ \t]*(?:(?:[*+-]|\d{1,9}[.)])[ \t]+)*)(`{3,}(?=[^`]*$)|~{3,})/;
/** Its first letter says that this is not, and will not become, a part of the list or the quote above the blank line. */
const BEGINS_ANEW = /^(?:[^\s\d*+>-]|\*\*[^\s*])/;

/**
 * @param from a place that it returned before for the same text, or 0
 * @returns the last place before which nothing changes any more, whatever comes
 */
export function settledUntil(text: string, from: number): number {
  let settled = from;
  let fence: { readonly signs: string; readonly indent: number } | undefined;
  let isAfterBlank = false;
  for (let start = from; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    if (fence !== undefined) {
      if (closes(line, fence)) fence = undefined;
      isAfterBlank = false;
    } else {
      if (isAfterBlank && BEGINS_ANEW.test(line)) settled = start;
      const [, before, signs] = FENCE.exec(line) ?? [];
      if (signs !== undefined) fence = { signs, indent: before!.length };
      isAfterBlank = line.trim() === '';
    }
    start = end + 1;
  }
  return settled;
}

const closes = (line: string, { signs, indent }: { readonly signs: string; readonly indent: number }): boolean =>
  line.length - line.trimStart().length <= indent + 3 && line.trim().startsWith(signs) && /^[`~]+$/.test(line.trim());

/** Without the beginning of a closing fence, which would be a line of the code for a moment. */
export const closed = (tail: string): string => tail.replace(/(^|\n) {0,3}(?:`{1,2}|~{1,2})$/, '$1');
