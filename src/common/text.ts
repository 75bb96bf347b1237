/** Length as people count it: code points, without white space at the ends. */
export const textLength = (text: string): number => Array.from(text.trim()).length;

// Control characters, line and paragraph separators, bidirectional controls, and halves of surrogate pairs.
// oxlint-disable-next-line no-control-regex
const NOT_IN_A_NAME = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
// Letters and symbols by their class, and blank to the eye: the Hangul fillers and the empty Braille pattern.
const BLANK = /[\u115f\u1160\u2800\u3164\uffa0]/gu;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** Whether `text` can stand in one line of a mail, a list or a notice without disturbing what is around it. */
export const isPlainName = (text: string): boolean =>
  !NOT_IN_A_NAME.test(text) && VISIBLE.test(text.replace(BLANK, ''));
