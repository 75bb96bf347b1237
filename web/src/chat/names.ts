import type { ReadonlySignal } from '@preact/signals';
import { useComputed } from '@preact/signals';
import type { Chat } from 'parley-client';
import { me } from '../parley.js';
import { asGroup, useStore, useUser } from '../parts/store.js';

/**
 * What somebody is called beside what they say: the first name, or more where two in the group share it; `You`; the bot is `Helper`.
 *
 * @param id null: the bot
 */
export function useNameIn(chat: Chat, id: number | null): ReadonlySignal<string> {
  const isMe = id !== null && id === me.value?.id;
  const user = useUser(id === null || isMe ? undefined : id);
  const members = useStore(asGroup(chat)?.members);
  return useComputed(() => {
    if (isMe) return 'You';
    if (id === null) return 'Helper';
    const person = user?.value;
    if (!person) return '…';
    const isShared = members?.value.some((other) => other.id !== id && other.first_name === person.first_name);
    return isShared && person.last_name !== ''
      ? `${person.first_name} ${[...person.last_name][0]}.`
      : person.first_name;
  });
}
