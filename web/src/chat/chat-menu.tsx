import { useSignal } from '@preact/signals';
import type { Chat, Group, Room } from 'parley-client';
import { DeleteGroup, mayDeleteGroup } from '../panel/delete-group.js';
import { LeaveGroup } from '../panel/leave-group.js';
import { type Deed, useDeed } from '../parts/deed.js';
import { Confirm } from '../parts/dialog.js';
import { Bin, Block, Close } from '../parts/icons.js';
import { Menu, MenuError, MenuItem } from '../parts/menu.js';
import { asGroup, useStore } from '../parts/store.js';
import { parley } from '../parley.js';
import { MuteMenu, SettingItems } from './chat-settings.js';

interface ChatMenuProps {
  /** A room or a group. */
  readonly chat: Chat;
  readonly opener: HTMLElement;
  readonly onClose: () => void;
}

/** What one may do with a whole conversation. */
export function ChatMenu({ chat, opener, onClose }: ChatMenuProps) {
  const step = useSignal<'menu' | 'mute' | 'ask' | 'delete'>('menu');
  const deed = useDeed(onClose);
  const isRoom = chat.ref.type === 'room';
  // It may be frozen, or change hands, while the menu is open.
  void useStore(asGroup(chat)?.info)?.value;
  if (step.value === 'ask')
    return isRoom ? (
      <BlockDialog room={chat as Room} deed={deed} onClose={onClose} />
    ) : (
      <LeaveGroup group={chat as Group} onClose={onClose} />
    );
  if (step.value === 'delete') return <DeleteGroup group={chat as Group} onClose={onClose} />;
  if (step.value === 'mute') return <MuteMenu key="mute" chat={chat} deed={deed} opener={opener} onClose={onClose} />;
  const ask = (): void => void (step.value = 'ask');
  return (
    <Menu label={isRoom ? 'This conversation' : 'This group'} opener={opener} onClose={onClose}>
      <SettingItems chat={chat} deed={deed} onMute={() => (step.value = 'mute')} />
      {isRoom ? (
        <BlockItem room={chat as Room} deed={deed} onAsk={ask} />
      ) : (
        <>
          <MenuItem isBad onClick={ask}>
            <Close />
            Leave the group
          </MenuItem>
          {mayDeleteGroup(chat as Group) && (
            <MenuItem isBad onClick={() => (step.value = 'delete')}>
              <Bin />
              Delete the group…
            </MenuItem>
          )}
        </>
      )}
      <MenuError deed={deed} />
    </Menu>
  );
}

const nameOf = (room: Room): string => room.other.get()?.first_name ?? 'this person';
const idOf = ({ ref }: Room): number => (ref.type === 'room' ? ref.user_id : 0);

function BlockItem({ room, deed, onAsk }: { room: Room; deed: Deed; onAsk: () => void }) {
  const isBlocked = useStore(room.blocked_by_me).value;
  const unblock = (): void => deed.run(() => parley.users.unblock(idOf(room)));
  return (
    <MenuItem isBad={!isBlocked} onClick={isBlocked ? unblock : onAsk}>
      <Block />
      {isBlocked ? 'Unblock' : 'Block'} {nameOf(room)}
    </MenuItem>
  );
}

function BlockDialog({ room, deed, onClose }: { room: Room; deed: Deed; onClose: () => void }) {
  const name = nameOf(room);
  return (
    <Confirm
      title={`Block ${name}?`}
      text="Neither of you can write here until you unblock them. They are not told."
      deed={`Block ${name}`}
      isBad
      error={deed.error.value}
      isBusy={deed.isBusy.value}
      onConfirm={() => deed.run(() => parley.users.block(idOf(room)))}
      onClose={onClose}
    />
  );
}
