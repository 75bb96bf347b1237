import { useSignal } from '@preact/signals';
import type { Quote } from 'parley-client';
import { voice } from '../format.js';
import { Bell, BellOff, Close } from '../parts/icons.js';
import { useStore } from '../parts/store.js';
import { me } from '../parley.js';
import { oneLine } from '../text/one-line.js';
import { useNameIn } from './names.js';
import { type Original, isSilent, setSilent } from './replies.js';
import type { View } from './view.js';

const voiceOf = (id: number | null): string => voice(id, id === me.value?.id);

/** What a quote says in one line: also for those who hear it. */
export function quotedWords({ message, user_id, deleted, is_unknown }: Quote): string {
  if (deleted) return 'Message deleted';
  // The place of its message is known alone.
  return is_unknown ? 'an earlier message' : oneLine(message, user_id === null);
}

/** Above a reply: what it replies to, as that is now. Leads there. */
export function QuoteLine({ quote, view }: { quote: Quote; view: View }) {
  const name = useNameIn(view.chat, quote.user_id);
  return (
    <button
      type="button"
      class={`quote ${voiceOf(quote.user_id)}`}
      tabIndex={-1}
      title="Go to this message"
      onClick={() => view.toMessage(quote.seq)}
    >
      {!quote.is_unknown && (
        <b>
          <bdi>{name}</bdi>
        </b>
      )}{' '}
      <span dir="auto" class={quote.deleted && 'gone'}>
        {quotedWords(quote)}
      </span>
    </button>
  );
}

interface ReplyingProps {
  readonly view: View;
  readonly original: Original;
  readonly onCancel: () => void;
}

/** Above the composer: which message is replied to, and whether its author is told. */
export function ReplyingLine({ view, original, onCancel }: ReplyingProps) {
  const { chat } = view;
  const { items } = useStore(chat.timeline).value;
  const name = useNameIn(chat, original.user_id);
  const isOff = useSignal(isSilent());
  const isGone = items.some((item) => item.kind === 'message' && item.seq === original.seq && item.deleted);
  // In a room each message is to the other; and nobody is told of a reply to oneself.
  const isOffered = chat.ref.type === 'group' && !isGone && original.user_id !== me.value?.id;
  const who = original.user_id === me.value?.id ? 'yourself' : name.value;
  return (
    <div class={`replying ${voiceOf(original.user_id)}`}>
      <span class="to">
        {isGone ? (
          <span>The message was deleted: what you write goes out without it.</span>
        ) : (
          <>
            <b>
              Replying to <bdi>{who}</bdi>
            </b>{' '}
            <span dir="auto">{oneLine(original.message, original.user_id === null)}</span>
          </>
        )}
      </span>
      {isOffered && (
        <button
          type="button"
          class="icon"
          aria-pressed={!isOff.value}
          aria-label={`Tell ${name.value} of it`}
          title={isOff.value ? `${name.value} is not told of it` : `${name.value} is told of it`}
          onClick={() => setSilent((isOff.value = !isOff.value))}
        >
          {isOff.value ? <BellOff /> : <Bell />}
        </button>
      )}
      <button type="button" class="icon" aria-label="Do not reply" onClick={onCancel}>
        <Close />
      </button>
    </div>
  );
}
