import type { ReadonlySignal } from '@preact/signals';
import type { Chat, Group, Room, Store, User } from 'parley-client';
import { fromStore } from 'parley-client/signals';
import { useMemo } from 'preact/hooks';
import { parley } from '../parley.js';

/** A store of the client as a signal, which is the same as long as the store is: `useStore(chat.draft).value`. */
export function useStore<T>(store: Store<T>): ReadonlySignal<T>;
export function useStore<T>(store: Store<T> | undefined): ReadonlySignal<T> | undefined;
export function useStore<T>(store: Store<T> | undefined): ReadonlySignal<T> | undefined {
  return useMemo(() => store && fromStore(store), [store]);
}

/** Of what only rooms have: `useStore(asRoom(chat)?.other)`. */
export const asRoom = (chat: Chat): Room | undefined => (chat.ref.type === 'room' ? (chat as Room) : undefined);
export const asGroup = (chat: Chat): Group | undefined => (chat.ref.type === 'group' ? (chat as Group) : undefined);

/** Somebody by their number. Who is not known yet is asked for once, and not with each drawing. */
export function useUser(id: number | undefined): ReadonlySignal<User | undefined> | undefined {
  return useMemo(() => (id === undefined ? undefined : fromStore(parley.users.get(id))), [id]);
}

export function useFirstNames(ids: readonly number[]): string[] {
  const people = useMemo(() => ids.map((id) => fromStore(parley.users.get(id))), [ids.join()]);
  return people.map((person) => person.value?.first_name ?? 'Somebody');
}
