import type { Row } from './rows.js';

/*
 * How tall a row will be, before it is drawn: of what is loaded above the view, each pixel that this is wrong is corrected when the row is
 * measured, and the nearer the guess, the less there is to correct.
 */

const LINE_PX = 23;
/** Of an average letter in the text's size. */
const LETTER_PX = 7.4;

const QUOTE_PX = 24;
/** One row of them. */
const REACTIONS_PX = 34;

const HEIGHTS = { start: 99, failed: 52, day: 36, new: 32, notice: 34 } as const;

/** @param width of the text's column, CSS pixels */
export function estimate(row: Row, width: number): number {
  if (row.type !== 'message') return HEIGHTS[row.type];
  const { item, isFirst, isLast } = row;
  const inLine = Math.max(10, width / LETTER_PX);
  const lines = item.deleted
    ? 1
    : item.message.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / inLine)), 0);
  const box = item.mine ? 14 : 8;
  const beside = item.deleted ? 0 : (item.reply_to ? QUOTE_PX : 0) + (item.reactions ? REACTIONS_PX : 0);
  return box + beside + LINE_PX * lines + (isFirst ? 14 : 0) - (isLast ? 4 : 0);
}
