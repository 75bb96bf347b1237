import { useSignal } from '@preact/signals';
import type { Chat, MessageItem } from 'parley-client';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { listed, plural } from '../format.js';
import { NoNetwork } from '../parts/icons.js';
import { useFirstNames, useStore } from '../parts/store.js';
import { connection, offlineSince, parley, server, waiting } from '../parley.js';
import { duration, whyWaiting } from '../words.js';

/** A blip is nobody's business. */
const SHOW_AFTER_MS = 2_000;
const SAY_BACK_AFTER_MS = 1_000;
const SILENT_AFTER_MS = 30_000;
const STILL_SENDING_AFTER_MS = 5_000;
const MOST_NAMES = 3;

/** A message that goes out again by itself. */
type Held = MessageItem & Required<Pick<MessageItem, 'error' | 'retry_at'>>;

/**
 * The line above the composer, always there, so that nothing moves: one thing at a time. Offline comes before what is being sent, and
 * that before who writes.
 */
export function Status({ chat }: { chat: Chat }) {
  const now = useNow();
  const typing = useTyping(chat);
  const { items } = useStore(chat.timeline).value;
  const sending = items.find((item): item is MessageItem => item.kind === 'message' && item.state === 'sending');
  /** Its own time is when it was written, which may be long before it is sent. */
  const since = useRef<{ key: string | undefined; at: number }>({ key: undefined, at: 0 });
  if (since.current.key !== sending?.key) since.current = { key: sending?.key, at: Date.now() };

  const link = connection.value;
  const isOff = offlineSince.value !== undefined;
  const ago = now - (offlineSince.value ?? link.since);
  if (isOff && ago > SHOW_AFTER_MS) return offline(link.state !== 'offline' && ago > SILENT_AFTER_MS, now);
  if (!isOff && !link.synced && ago > SAY_BACK_AFTER_MS) return <Line said="Back. Catching up…" />;
  const held = items.find((item): item is Held => item.kind === 'message' && item.retry_at !== undefined);
  if (held?.error.code === 'busy' && chat.ref.type === 'bot') return <Line said={`${questions()} wait already.`} />;
  if (held)
    return (
      <Line
        said={
          <>
            {whyWaiting(held.error)}: goes out <span class="sr">by itself</span>
          </>
        }
        left={`in ${duration(held.retry_at - now)}.`}
      />
    );
  if (sending && now - since.current.at > STILL_SENDING_AFTER_MS) return <Line said="Still sending…" />;
  return <Line>{typing}</Line>;
}

interface LineProps {
  readonly isOff?: boolean;
  /** What a screen reader says when it changes. */
  readonly said?: ComponentChildren;
  /** What changes each second, and would be read aloud as often. */
  readonly left?: string | undefined;
  readonly children?: ComponentChildren;
}

/** One for all, so that what is said aloud changes within an element that stays. */
function Line({ isOff = false, said, left, children }: LineProps) {
  return (
    <div class={isOff ? 'status off' : 'status'}>
      {isOff && <NoNetwork />}
      <span role="status">{said}</span>
      {left !== undefined && <small aria-hidden="true">{left}</small>}
      {children}
    </div>
  );
}

function offline(isSilent: boolean, now: number) {
  const { queued } = waiting.value;
  const { retry_at = 0 } = connection.value;
  const left = isSilent && retry_at > now ? `Next try in ${duration(retry_at - now)}.` : undefined;
  const then = queued > 0 ? `${plural(queued, 'message')} will be sent when you are back.` : 'You can go on writing.';
  return (
    <Line
      isOff
      said={
        <>
          {isSilent ? 'The server does not answer.' : 'Offline.'} {!isSilent && <small>{then}</small>}
        </>
      }
      left={left}
    >
      {isSilent && (
        <button type="button" class="btn text" onClick={() => parley.retryNow()}>
          Now
        </button>
      )}
    </Line>
  );
}

/** Not said aloud: it comes and goes with each pause. */
function useTyping(chat: Chat): ComponentChildren {
  const ids = useStore(chat.typing).value;
  const names = useFirstNames(ids.slice(0, MOST_NAMES));
  if (ids.length === 0) return undefined;
  const who = ids.length > MOST_NAMES ? `${ids.length} people` : listed(names);
  return (
    <>
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>
        {who} {ids.length === 1 ? 'is' : 'are'} writing
      </span>
    </>
  );
}

/** How many the bot lets wait, as a word where that is the usual number. */
function questions(): string {
  const most = server.value?.limits['bot_questions'] ?? 5;
  return most === 5 ? 'Five questions' : plural(most, 'question');
}

/** The time, a second apart: what the line says depends on how long it has been so. */
function useNow(): number {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  // A change of the connection counts at once.
  return Math.max(now.value, connection.value.since);
}
