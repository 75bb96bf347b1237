import { useSignal } from '@preact/signals';
import type { Chat, Group, Room } from 'parley-client';
import { LeaveGroup } from '../panel/leave-group.js';
import { useDeed } from '../parts/deed.js';
import { Confirm } from '../parts/dialog.js';
import { Block, Close } from '../parts/icons.js';
import { Menu, MenuItem } from '../parts/menu.js';
import { useStore } from '../parts/store.js';
import { parley } from '../parley.js';

interface MenuOf {
  readonly opener: HTMLElement;
  readonly onClose: () => void;
}

/** What one may do with a whole conversation. */
export function ChatMenu({ chat, ...rest }: MenuOf & { chat: Chat }) {
  return chat.ref.type === 'room' ? (
    <OfRoom room={chat as Room} userId={chat.ref.user_id} {...rest} />
  ) : (
    <OfGroup group={chat as Group} {...rest} />
  );
}

function OfRoom({ room, userId, opener, onClose }: MenuOf & { room: Room; userId: number }) {
  const isBlocked = useStore(room.blocked_by_me);
  const name = room.other.get()?.first_name ?? 'this person';
  const isAsking = useSignal(false);
  const deed = useDeed(onClose);
  if (isAsking.value)
    return (
      <Confirm
        title={`Block ${name}?`}
        text="Neither of you can write here until you unblock them. They are not told."
        deed={`Block ${name}`}
        isBad
        error={deed.error.value}
        isBusy={deed.isBusy.value}
        onConfirm={() => deed.run(() => parley.users.block(userId))}
        onClose={onClose}
      />
    );
  return (
    <Menu label="This conversation" opener={opener} onClose={onClose}>
      {isBlocked.value ? (
        <MenuItem onClick={() => deed.run(() => parley.users.unblock(userId))}>
          <Block />
          Unblock {name}
        </MenuItem>
      ) : (
        <MenuItem isBad onClick={() => (isAsking.value = true)}>
          <Block />
          Block {name}
        </MenuItem>
      )}
      {deed.error.value !== undefined && (
        <p class="fine" role="alert">
          {deed.error.value}
        </p>
      )}
    </Menu>
  );
}

function OfGroup({ group, opener, onClose }: MenuOf & { group: Group }) {
  const isLeaving = useSignal(false);
  if (isLeaving.value) return <LeaveGroup group={group} onClose={onClose} />;
  return (
    <Menu label="This group" opener={opener} onClose={onClose}>
      <MenuItem isBad onClick={() => (isLeaving.value = true)}>
        <Close />
        Leave the group
      </MenuItem>
    </Menu>
  );
}
