import { useSignal } from '@preact/signals';
import type { Chat, Group, MessageItem, Room } from 'parley-client';
import { listed, when } from '../format.js';
import { copy } from '../parts/copy.js';
import { useDeed } from '../parts/deed.js';
import { Confirm } from '../parts/dialog.js';
import { Bin, Copy, Flag, Link, More, Pen, Reply, Smile, Up } from '../parts/icons.js';
import { Menu, MenuItem } from '../parts/menu.js';
import { useStore } from '../parts/store.js';
import { oneLine } from '../text/one-line.js';
import { pathOf } from '../router.js';
import { isEditable } from './edits.js';
import { mayReply, readersOf, stateOf } from './message.js';
import { ReactedBy } from './reacted-by.js';
import { hasReacted, mayReact, pickFor, react } from './reactions.js';
import { mayReport, Report } from './report.js';
import type { View } from './view.js';

const MOST_READERS = 8;

/** What one may do with a message: beside it, or at the bottom of a phone's screen. Only what one may do is there. */
export function MessageMenu({ view, item, opener }: { view: View; item: MessageItem; opener: HTMLElement }) {
  const { chat } = view;
  /** What the menu has led to. */
  const step = useSignal<'menu' | 'delete' | 'report' | 'who'>('menu');
  // The group may be frozen while the menu is open.
  const { why_not } = useStore(chat.may).value;
  const close = (): void => {
    view.menuOf.value = undefined;
  };
  const ownsGroup = chat.ref.type === 'group' && (chat as Group).info.get()?.is_owner === true;
  const mayDelete =
    item.state === 'stored' && chat.ref.type !== 'bot' && why_not !== 'frozen' && (item.mine || ownsGroup);
  const { isBusy, error, run } = useDeed(close);
  if (step.value === 'report') return <Report view={view} item={item} onClose={close} />;
  if (step.value === 'who' && item.reactions) return <ReactedBy view={view} item={item} onClose={close} />;
  if (step.value === 'delete')
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
      {mayReact(item, view) && <QuickReactions view={view} item={item} opener={opener} onDone={close} />}
      {mayReply(item, view) && (
        <MenuItem
          onClick={() => {
            close();
            view.reply(item);
          }}
        >
          <Reply />
          Reply
        </MenuItem>
      )}
      {item.reply_to && (
        <MenuItem
          onClick={() => {
            close();
            view.toMessage(item.reply_to!.seq);
          }}
        >
          <Up />
          Go to the original
        </MenuItem>
      )}
      <MenuItem onClick={() => void copy(item.message).then(close)}>
        <Copy />
        Copy text
      </MenuItem>
      {/* In a room and with the helper, the same address leads others elsewhere. */}
      {chat.ref.type === 'group' && (
        <MenuItem onClick={() => void copy(linkTo(chat, item)).then(close)}>
          <Link />
          Copy link
        </MenuItem>
      )}
      {item.reactions && (
        <MenuItem onClick={() => (step.value = 'who')}>
          <Smile />
          Who has reacted
        </MenuItem>
      )}
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
        <MenuItem isBad onClick={() => (step.value = 'delete')}>
          <Bin />
          Delete for everybody
        </MenuItem>
      )}
      {mayReport(item, view) && (
        <MenuItem isBad onClick={() => (step.value = 'report')}>
          <Flag />
          Report…
        </MenuItem>
      )}
      <p class="fine">{readText(view, item)}</p>
    </Menu>
  );
}

/** The address of a message, for everybody who may read it. */
const linkTo = ({ ref }: Chat, { seq }: MessageItem): string => `${location.origin}${pathOf(ref)}?at=${seq}`;

/** The same six at the same places, so that a hand finds them again. */
const QUICK = [
  ['👍', 'Thumbs up'],
  ['❤️', 'Heart'],
  ['😂', 'Laughing'],
  ['🎉', 'Party'],
  ['😮', 'Astonished'],
  ['😢', 'Crying'],
] as const;

interface QuickProps {
  readonly view: View;
  readonly item: MessageItem;
  readonly opener: HTMLElement;
  readonly onDone: () => void;
}

function QuickReactions({ view, item, opener, onDone }: QuickProps) {
  return (
    <div class="quick" role="group" aria-label="React">
      {QUICK.map(([emoji, name]) => (
        <button
          type="button"
          key={emoji}
          role="menuitemcheckbox"
          aria-checked={hasReacted(item, emoji)}
          aria-label={name}
          title={name}
          tabIndex={-1}
          onClick={() => {
            onDone();
            react(view, item, emoji);
          }}
        >
          {emoji}
        </button>
      ))}
      <button
        type="button"
        role="menuitemcheckbox"
        aria-checked="false"
        aria-label="More emoji"
        title="More emoji"
        tabIndex={-1}
        onClick={() => {
          onDone();
          pickFor(item, view, opener);
        }}
      >
        <More />
      </button>
    </div>
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
