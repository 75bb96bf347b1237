import type { Group, Room } from 'parley-client';
import { addingTo } from '../panel/adding.js';
import { useStore } from '../parts/store.js';
import type { View } from './view.js';

/** Above the first message. */
export function Beginning({ view: { chat } }: { view: View }) {
  if (chat.ref.type === 'room') return <OfRoom room={chat as Room} />;
  if (chat.ref.type === 'group') return <OfGroup group={chat as Group} />;
  return (
    <div class="start">
      <div>
        <p class="title">This is the helper.</p>
        <p>Ask anything. Nobody else sees it.</p>
      </div>
    </div>
  );
}

function OfRoom({ room }: { room: Room }) {
  const other = useStore(room.other);
  const name = other.value?.first_name;
  return (
    <div class="start">
      <div>
        <p class="title">This is the beginning.</p>
        <p>{name === undefined ? 'Say something.' : `Say something to ${name}.`}</p>
      </div>
    </div>
  );
}

function OfGroup({ group }: { group: Group }) {
  const info = useStore(group.info);
  return (
    <div class="start">
      <div>
        <p class="title">This is the beginning.</p>
        {info.value?.is_owner && !info.value.is_frozen ? (
          <p>
            This group is yours.{' '}
            <button type="button" class="btn text" onClick={() => (addingTo.value = group)}>
              Add people
            </button>
          </p>
        ) : (
          <p>Of {info.value?.name ?? 'this group'}.</p>
        )}
      </div>
    </div>
  );
}
