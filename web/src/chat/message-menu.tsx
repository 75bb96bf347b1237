import { useSignal } from '@preact/signals';
import type { Group, MessageItem, Room } from 'parley-client';
import { listed, when } from '../format.js';
import { copy } from '../parts/copy.js';
import { useDeed } from '../parts/deed.js';
import { Confirm } from '../parts/dialog.js';
import { Bin, Copy, Pen } from '../parts/icons.js';
import { Menu, MenuItem } from '../parts/menu.js';
import { oneLine } from '../text/one-line.js';
import { isEditable } from './composer.js';
import { readersOf, stateOf } from './message.js';
import type { View } from './view.js';

const MOST_READERS = 8;

/** What one may do with a message: beside it, or at the bottom of a phone's screen. Only what one may do is there. */
export function MessageMenu({ view, item, opener }: { view: View; item: MessageItem; opener: HTMLElement }) {
  const { chat } = view;
  const isAsking = useSignal(false);
  const close = (): void => {
    view.menuOf.value = undefined;
  };
  const ownsGroup = chat.ref.type === 'group' && (chat as Group).info.get()?.is_owner === true;
  const mayDelete = item.state === 'stored' && chat.ref.type !== 'bot' && (item.mine || ownsGroup);
  const { isBusy, error, run } = useDeed(close);
  if (isAsking.value)
    return (
      <Confirm
        title="Delete this message?"
        text="It is deleted for everybody, on all devices. Its place stays."
        deed="Delete for everybody"
        isBad
        error={error.value}
        isBusy={isBusy.value}
        onConfirm={() => run(() => chat.delete(item.seq!))}
        onClose={close}
      />
    );
  return (
    <Menu label={item.mine ? 'Your message' : 'Message'} opener={opener} onClose={close}>
      <p class="cite">{oneLine(item.message, item.user_id === null)}</p>
      <MenuItem onClick={() => void copy(item.message).then(close)}>
        <Copy />
        Copy text
      </MenuItem>
      {isEditable(item, chat) && (
        <MenuItem
          onClick={() => {
            view.editing.value = item;
            close();
          }}
        >
          <Pen />
          Edit
        </MenuItem>
      )}
      {mayDelete && (
        <MenuItem isBad onClick={() => (isAsking.value = true)}>
          <Bin />
          Delete for everybody
        </MenuItem>
      )}
      <p class="fine">{readText(view, item)}</p>
    </Menu>
  );
}

function readText(view: View, item: MessageItem): string {
  const { chat } = view;
  const sent = `Sent ${when(item.timestamp)}.`;
  if (!item.mine || chat.ref.type === 'bot') return sent;
  if (chat.ref.type === 'room') {
    const other = (chat as Room).other.get();
    const name = other ? other.first_name : 'The other';
    return stateOf(item, view) === 'read' ? `${sent} ${name} has read it.` : `${sent} ${name} has not read it yet.`;
  }
  const { members } = chat as Group;
  // Oneself is one: without anybody, they are still to be read.
  if (members.get().length === 0) return sent;
  const readers = readersOf(chat as Group, item);
  if (readers.length === 0) return `${sent} Nobody has read it yet.`;
  const others = readers.length - MOST_READERS;
  return `${sent} Read by ${others > 0 ? `${readers.slice(0, MOST_READERS).join(', ')} and ${others} more` : listed(readers)}.`;
}
