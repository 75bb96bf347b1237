import { ParleyError } from './errors.js';
import type { SendOptions } from './types.js';
import type { WireSaid, WireStored } from './wire.js';

/*
 * What a message says: its text, and what stands beside it. The server compares all of it where a `client_id` comes again.
 */

const MOST_NAMED = 20;

/** What is sent of it. What says nothing is left out. */
export function toSaid(message: string, { reply_to, is_silent, mentions }: SendOptions): WireSaid {
  const user_ids = [...new Set(mentions?.user_ids)];
  const everyone = mentions?.everyone;
  return {
    message,
    ...(reply_to !== undefined && { reply_to, ...(is_silent && { is_silent }) }),
    ...((everyone || user_ids.length > 0) && { mentions: { user_ids, ...(everyone && { everyone }) } }),
  };
}

/** Of what has more fields than these. */
export const saidOf = ({ message, reply_to, is_silent, mentions }: WireSaid): WireSaid => ({
  message,
  ...(reply_to !== undefined && { reply_to }),
  ...(is_silent && { is_silent }),
  ...(mentions && { mentions }),
});

export const isSameSaid = (a: WireSaid, b: WireSaid): boolean =>
  // From a storage, objects come with their fields in the order in which they went there.
  JSON.stringify(saidOf(a)) === JSON.stringify(saidOf(b));

/** The same, without those whom the server did not let it name. */
export function granted(
  { mentions, ...said }: WireSaid,
  { mentions_ignored = [], everyone_ignored }: WireStored,
): WireSaid {
  const user_ids = mentions?.user_ids.filter((id) => !mentions_ignored.includes(id));
  return toSaid(said.message, { ...said, mentions: { user_ids, everyone: mentions?.everyone && !everyone_ignored } });
}

/** The server's own rule for what can be seen. */
const SEEN =
  /[^\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{1d159}\u{13441}\u{13442}\ufffc]/u;

/** Why it can never be sent, if it cannot. */
export function whatIsWrong({ message, mentions }: WireSaid): ParleyError | undefined {
  const over = [...message.trim()].length - 4_000;
  if (!SEEN.test(message)) return invalid('message', 'There is nothing to see in it.');
  if (over > 0) return invalid('message', `${over} characters too many: 4,000 are allowed.`);
  return mentions && mentions.user_ids.length > MOST_NAMED
    ? invalid('mentions', `It names more than ${MOST_NAMED} people.`)
    : undefined;
}

export const invalid = (field: string, wrong: string): ParleyError =>
  new ParleyError('invalid', wrong, { fields: { [field]: [wrong] } });
