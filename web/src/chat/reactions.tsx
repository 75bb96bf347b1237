import { useSignal } from '@preact/signals';
import { type MessageItem, ParleyError, type Reaction } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';
import { fullName, listed } from '../format.js';
import { Smile } from '../parts/icons.js';
import { useStore } from '../parts/store.js';
import { me, parley, server } from '../parley.js';
import { whyNot } from '../words.js';
import type { View } from './view.js';

/** Whether one may react to this message; what one may not do is absent. */
export const mayReact = (item: MessageItem, { chat }: View): boolean =>
  item.state === 'stored' &&
  !item.deleted &&
  chat.ref.type !== 'bot' &&
  chat.may.get().write &&
  (server.value?.features.includes('reactions') ?? false);

const plain = (emoji: string): string => emoji.replaceAll('\ufe0f', '');

/** Whether this reaction of the user's stands there. */
export const hasReacted = ({ reactions = [] }: MessageItem, emoji: string): boolean =>
  reactions.some((one) => one.is_mine && plain(one.emoji) === plain(emoji));

/** Sets it, or takes it back. What the server refuses is said under the message. */
export function react(view: View, item: MessageItem, emoji: string, isOn = !hasReacted(item, emoji)): void {
  view.trouble.value = undefined;
  view.chat.react(item.seq!, emoji, isOn).catch((thrown: unknown) => {
    const text = `${isOn ? 'Not added' : 'Not taken back'}: ${whyNot(ParleyError.from(thrown))}`;
    view.trouble.value = { key: item.key, text };
  });
}

/** Under a message: what people reacted with, how many, and whether oneself is among them. */
export function Reactions({ item, view }: { item: MessageItem; view: View }) {
  // What one may do changes with being blocked, or removed.
  void useStore(view.chat.may).value;
  const isOpen = mayReact(item, view);
  return (
    <div class="reactions" role="group" aria-label="Reactions">
      {item.reactions!.map((one) =>
        isOpen ? (
          <Chip key={one.emoji} one={one} item={item} view={view} />
        ) : (
          <span key={one.emoji} class="reaction">
            {one.emoji} <b>{one.count}</b>
          </span>
        ),
      )}
      {isOpen && (
        <button
          type="button"
          class="reaction add"
          tabIndex={-1}
          aria-label="Add a reaction"
          aria-haspopup="dialog"
          onClick={(event) => pickFor(item, view, event.currentTarget)}
        >
          <Smile />
        </button>
      )}
    </div>
  );
}

export const pickFor = (item: MessageItem, view: View, opener: HTMLElement): void =>
  void (view.pickingFor.value = { item, opener });

/** One looks for a moment before one asks who. */
const ASK_AFTER_MS = 300;
const MOST_NAMES = 12;

function Chip({ one, item, view }: { one: Reaction; item: MessageItem; view: View }) {
  const who = useSignal<string | undefined>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  // Somebody came, or went.
  useEffect(() => {
    who.value = undefined;
    return () => clearTimeout(timer.current);
  }, [one.count, one.is_mine]);
  const ask = (): void => {
    clearTimeout(timer.current);
    if (who.peek() !== undefined) return;
    timer.current = setTimeout(() => {
      view.chat.reactedBy(item.seq!, one.emoji).then(
        ({ rows }) => (who.value = namesOf(rows, one.count)),
        () => {},
      );
    }, ASK_AFTER_MS);
  };
  return (
    <button
      type="button"
      class="reaction"
      tabIndex={-1}
      aria-pressed={one.is_mine ?? false}
      title={who.value}
      onPointerEnter={ask}
      onPointerLeave={() => clearTimeout(timer.current)}
      onClick={() => react(view, item, one.emoji)}
    >
      {one.emoji} <b>{one.count}</b>
    </button>
  );
}

/** `You, Ada Lovelace, Alan Turing and 3 more`; of people who are not known here yet only how many there are. */
function namesOf(ids: readonly number[], count: number): string {
  const mine = me.peek()?.id;
  const names = [...ids]
    .sort((a, b) => Number(b === mine) - Number(a === mine))
    .flatMap((id) => {
      if (id === mine) return ['You'];
      const user = parley.users.get(id).get();
      return user ? [fullName(user)] : [];
    })
    .slice(0, MOST_NAMES);
  const others = count - names.length;
  return listed(others > 0 ? [...names, names.length > 0 ? `${others} more` : String(others)] : names);
}
