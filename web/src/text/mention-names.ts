import type { Mentions } from 'parley-client';
import { fromStore } from 'parley-client/signals';
import { useMemo } from 'preact/hooks';
import { fullName } from '../format.js';
import { me, parley } from '../parley.js';
import type { MentionName } from './mentioned.js';

const NOBODY: readonly MentionName[] = [];

/** For `MessageText`: what whom a message names is called, as far as that is known by now. */
export function useMentionNames(mentions: Mentions | undefined): readonly MentionName[] {
  const ids = mentions?.user_ids ?? [];
  const people = useMemo(() => ids.map((id) => fromStore(parley.users.get(id))), [ids.join()]);
  if (!mentions) return NOBODY;
  const names = people.flatMap(({ value: user }): MentionName[] => {
    if (!user) return [];
    const isMe = user.id === me.value?.id;
    return [fullName(user), user.first_name].map((name) => ({ name, isMe }));
  });
  return mentions.everyone ? [...names, { name: 'everyone', isMe: true }] : names;
}
