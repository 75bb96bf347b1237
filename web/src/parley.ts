import { computed, effect, signal } from '@preact/signals';
import { ParleyClient } from 'parley-client';
import { fromStore } from 'parley-client/signals';
import { BASE } from './router.js';

/** The one client of this page; it outlives every component. */
export const parley = new ParleyClient(new URL(BASE, location.origin));

export const auth = fromStore(parley.auth);
export const connection = fromStore(parley.connection);
export const inbox = fromStore(parley.inbox);
export const waiting = fromStore(parley.waiting);
export const server = fromStore(parley.server);

/** Undefined while nobody is signed in. */
export const me = computed(() => (auth.value.status === 'signed_in' ? auth.value.me : undefined));

const lostAt = signal<number | undefined>(undefined);
/** Since when there is no connection, in milliseconds since 1970, however often it was tried meanwhile; undefined: there is one. */
export const offlineSince = computed(() => lostAt.value);
effect(() => {
  const { state, since } = connection.value;
  if (state === 'online' || state === 'idle') lostAt.value = undefined;
  else lostAt.value = lostAt.peek() ?? since;
});
