import type { Message, Quote } from './data.js';

const QUOTE_LENGTH = 200;

/** A message as those quote it that answer it. */
export const quoteOf = ({ seq, user_id, message, deleted, change }: Message): Quote =>
  Object.freeze({
    seq,
    user_id,
    message: Array.from(message).slice(0, QUOTE_LENGTH).join(''),
    ...(deleted && { deleted }),
    ...(change !== undefined && { change }),
  });

/** A message, with what it quotes as that is now. @returns the same one where that is no news to it */
export function requoted(message: Message, quoted: Message | undefined): Message {
  const { reply_to } = message;
  if (!quoted || reply_to?.seq !== quoted.seq) return message;
  const isNewer = reply_to.is_unknown || (quoted.change ?? 0) > (reply_to.change ?? 0);
  const quote = quoteOf(quoted);
  const isSame = quote.message === reply_to.message && quote.deleted === reply_to.deleted && !reply_to.is_unknown;
  return isNewer && !isSame ? Object.freeze({ ...message, reply_to: quote }) : message;
}
