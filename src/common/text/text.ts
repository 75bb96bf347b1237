/** Length as people count it: code points, without white space at the ends. */
export const textLength = (text: string): number => Array.from(text.trim()).length;

// Control characters, line and paragraph separators, bidirectional controls, and halves of surrogate pairs.
// oxlint-disable-next-line no-control-regex
const NOT_IN_A_NAME = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
// What no font draws: white space, controls, format characters and halves of pairs; what Unicode calls ignorable (zero-width
// characters, Hangul fillers, variation selectors); marks without a letter to stand on; and what is blank by design: the empty Braille
// pattern, the null notehead, the blanks of the hieroglyphs, the place of an object that is not there. By exclusion, so that an emoji
// that is younger than this Node's tables is seen.
const SEEN =
  /[^\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{1d159}\u{13441}\u{13442}\ufffc]/u;

/** Whether somebody who looks at the text sees anything: one of zero-width characters alone looks like none. */
export const isVisible = (text: string): boolean => SEEN.test(text);

/** Whether `text` can stand in one line of a mail, a list or a notice without disturbing what is around it. */
export const isPlainName = (text: string): boolean => !NOT_IN_A_NAME.test(text) && isVisible(text);
