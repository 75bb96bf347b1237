/** Length in code points, without white space at the ends. */
export function textLength(text: string): number {
  const trimmed = text.trim();
  let length = trimmed.length;
  // Two units are one code point where they are the halves of a pair. Counted, and not taken apart: every message is measured.
  for (let i = 1; i < trimmed.length; i++)
    if (isHigh(trimmed.charCodeAt(i - 1)) && isLow(trimmed.charCodeAt(i))) length--;
  return length;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

// Control characters, line and paragraph separators, bidirectional controls, and halves of surrogate pairs.
// oxlint-disable-next-line no-control-regex
const NOT_IN_A_NAME = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
// Characters that no font draws: white space, controls, format characters and halves of pairs; what Unicode calls ignorable (zero-width
// characters, Hangul fillers, variation selectors); marks without a letter; and characters that are blank by design: the empty Braille
// pattern, the null notehead, the blanks of the hieroglyphs, the placeholder of an object. By exclusion, so that emoji that are newer than
// this Node's tables count as visible.
const SEEN =
  /[^\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{1d159}\u{13441}\u{13442}\ufffc]/u;

/** Whether anything of the text is visible: one of zero-width characters alone looks empty. */
export const isVisible = (text: string): boolean => SEEN.test(text);

/** Whether `text` can be put into a line of a mail, a list or a notice without changing what is around it. */
export const isPlainName = (text: string): boolean => !NOT_IN_A_NAME.test(text) && isVisible(text);
