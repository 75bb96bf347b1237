import { useSignal } from '@preact/signals';
import { ParleyError, type Room } from 'parley-client';
import { Lock } from '../parts/icons.js';
import { useStore } from '../parts/store.js';
import { parley } from '../parley.js';
import { wordsFor } from '../words.js';

/** In place of the composer, where one has blocked the other person. */
export function Blocked({ room }: { room: Room }) {
  const other = useStore(room.other);
  const error = useSignal<string | undefined>(undefined);
  const name = other.value?.first_name ?? 'this person';
  const unblock = (): void => {
    parley.users
      .unblock(room.ref.type === 'room' ? room.ref.user_id : 0)
      .catch((thrown: unknown) => (error.value = wordsFor(ParleyError.from(thrown))));
  };
  return (
    <div class="shut">
      <span>{error.value ?? `You have blocked ${name}. Neither of you can write here.`}</span>
      <button type="button" class="btn quiet" onClick={unblock}>
        Unblock
      </button>
    </div>
  );
}

/** In place of the composer, where those who run the server have frozen the group. */
export function Frozen() {
  return (
    <p class="shut" role="status">
      <Lock />
      <span>Those who run this server have frozen this group. It can be read, and not written to.</span>
    </p>
  );
}

export function Gone() {
  return (
    <p class="shut">
      <span>You cannot write here any more.</span>
    </p>
  );
}
