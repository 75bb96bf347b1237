import type { Extras, Ignored } from '../domain-events/message-extras.js';

/** Whom a client wants to name. Null is the same as a missing field. */
export interface MentionsRequest {
  user_ids?: readonly number[] | null;
  everyone?: boolean | null;
}

/** What a client may send beside a message's text. Null is the same as a missing field. */
export interface ExtrasRequest {
  reply_to?: number | null | undefined;
  is_silent?: boolean | null | undefined;
  mentions?: MentionsRequest | null | undefined;
}

const ordered = (ids: readonly number[]): number[] => [...new Set(ids)].sort((a, b) => a - b);

/** What a client asks for, in one form for all ways of writing it; undefined for a plain message. */
export function toExtras({ reply_to, is_silent, mentions }: ExtrasRequest): Extras | undefined {
  if (reply_to == null && mentions == null) return undefined;
  return unlessEmpty({
    ...(reply_to != null && { reply_to, ...(is_silent === true && { is_silent }) }),
    mentions: ordered(mentions?.user_ids ?? []),
    ...(mentions?.everyone === true && { everyone: true as const }),
  });
}

/** Without what says nothing; undefined where nothing is left. */
export function unlessEmpty({ mentions = [], ignored, ...rest }: Extras): Extras | undefined {
  const extras: Extras = {
    ...rest,
    ...(mentions.length > 0 && { mentions }),
    ...(ignored && Object.keys(ignored).length > 0 && { ignored }),
  };
  return Object.keys(extras).length > 0 ? extras : undefined;
}

/** As it is stored. */
export const storedExtras = (extras: Extras | undefined): string | null => (extras ? JSON.stringify(extras) : null);

export const parseExtras = (stored: string | null): Extras | undefined =>
  stored === null ? undefined : (JSON.parse(stored) as Extras);

/** Whether the same was asked for, whatever of it was granted. */
export const areSameExtras = (one: Extras | undefined, other: Extras | undefined): boolean =>
  JSON.stringify(asked(one)) === JSON.stringify(asked(other));

const asked = ({ reply_to, is_silent, mentions = [], everyone, ignored = {} }: Extras = {}) => [
  reply_to,
  is_silent,
  ordered([...mentions, ...(ignored.mentions ?? [])]),
  everyone === true || ignored.everyone !== undefined,
];

/** The field `mentions` of a message; undefined where it names nobody. */
export const mentionsOf = (extras: Extras | undefined): { user_ids: number[]; everyone?: true } | undefined =>
  extras?.mentions || extras?.everyone
    ? { user_ids: [...(extras.mentions ?? [])], ...(extras.everyone && { everyone: true as const }) }
    : undefined;

/** The fields of an acknowledgement for what was not granted. */
export const toIgnoredFields = (
  ignored: Ignored | undefined,
): { mentions_ignored?: number[]; everyone_ignored?: NonNullable<Ignored['everyone']> } => ({
  ...(ignored?.mentions && { mentions_ignored: [...ignored.mentions] }),
  ...(ignored?.everyone && { everyone_ignored: ignored.everyone }),
});
