import { useSignal } from '@preact/signals';
import type { User } from 'parley-client';
import { fromStore } from 'parley-client/signals';
import { useRef } from 'preact/hooks';
import { fullName } from '../format.js';
import { useDeed } from '../parts/deed.js';
import { FaceOf } from '../parts/face.js';
import { parley } from '../parley.js';
import { Setting } from './setting.js';

const blocked = fromStore(parley.users.blocked);

/** Whom one has blocked. */
export function Blocked() {
  const said = useSignal<string | undefined>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  const onUnblocked = ({ first_name }: User): void => {
    said.value = `${first_name} can write to you again, and you to them.`;
    heading.current?.focus();
  };
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        Blocked
      </h2>
      {blocked.value.map((user) => (
        <BlockedPerson key={user.id} user={user} onUnblocked={onUnblocked} />
      ))}
      {blocked.value.length === 0 && <p class="none">Nobody. Block someone from the menu of a conversation.</p>}
      <p class="outcome" role="status">
        {said.value}
      </p>
    </section>
  );
}

function BlockedPerson({ user, onUnblocked }: { user: User; onUnblocked: (user: User) => void }) {
  const { isBusy, error, run } = useDeed(() => onUnblocked(user));
  const name = fullName(user);
  return (
    <Setting title={<bdi>{name}</bdi>} face={<FaceOf user={user} isSmall />} error={error.value}>
      <button
        type="button"
        class="btn quiet"
        disabled={isBusy.value}
        onClick={() => run(() => parley.users.unblock(user.id))}
      >
        Unblock<span class="sr"> {name}</span>
      </button>
    </Setting>
  );
}
