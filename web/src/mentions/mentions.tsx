import { useSignal } from '@preact/signals';
import type { Mention } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';
import { brief, fullName } from '../format.js';
import { Face } from '../parts/face.js';
import { Back } from '../parts/icons.js';
import { rove } from '../parts/rove.js';
import { useStore, useUser } from '../parts/store.js';
import { connection, inbox, parley } from '../parley.js';
import { back, pathOf } from '../router.js';
import { oneLine } from '../text/one-line.js';
import { wordsFor } from '../words.js';
import { useMentions } from './found.js';

/** The messages that name one, of all conversations: each leads to its place. */
export function Mentions() {
  const { rows, hasMore, error, loadMore } = useMentions();
  const list = useRef<HTMLUListElement>(null);
  const focused = useSignal<string | undefined>(undefined);
  const isOnline = connection.value.state === 'online';
  useEffect(() => {
    if (isOnline && error.peek()) loadMore();
  }, [isOnline]);
  const all = rows.value ?? [];
  const keys = all.map(({ key, seq }) => `${key} ${seq}`);
  const stop = keys.includes(focused.value ?? '') ? focused.value : keys[0];
  return (
    <main class="talk">
      <header class="talk-top">
        <button type="button" class="icon only-phone" aria-label="Back to conversations" onClick={() => back()}>
          <Back />
        </button>
        <div class="what">
          <h1>Mentions</h1>
          <p>Messages that name you, or reply to yours</p>
        </div>
      </header>
      <div class="sheet mentions" aria-busy={rows.value === undefined && !error.value}>
        {all.length > 0 && (
          <ul ref={list} aria-label="Mentions" data-region="messages" onKeyDown={rove(list, 'a')}>
            {all.map((mention, index) => (
              <MentionRow
                key={keys[index]}
                mention={mention}
                isStop={keys[index] === stop}
                onFocus={() => (focused.value = keys[index])}
              />
            ))}
          </ul>
        )}
        {error.value ? (
          <div class="none-yet" role="alert">
            <p>Could not load your mentions. {wordsFor(error.value)}</p>
            <button type="button" class="btn quiet" onClick={loadMore}>
              Try again
            </button>
          </div>
        ) : hasMore.value ? (
          <Older onSeen={loadMore} key={all.length} />
        ) : (
          rows.value?.length === 0 && (
            <div class="none-yet">
              <p>Nobody has mentioned you yet.</p>
              <p>
                When somebody writes @ and your name, or replies to one of your messages, it stands here, whichever
                conversation it is in.
              </p>
            </div>
          )
        )}
      </div>
    </main>
  );
}

interface MentionRowProps {
  readonly mention: Mention;
  readonly isStop: boolean;
  readonly onFocus: () => void;
}

function MentionRow({ mention, isStop, onFocus }: MentionRowProps) {
  const { ref, seq, user_id, message, timestamp } = mention;
  const author = useUser(user_id)?.value;
  const title = useStore(parley.chat(ref).summary).value?.title;
  const name = author ? fullName(author) : '…';
  const isNew = isUnread(mention);
  return (
    <li>
      <a
        class={isNew ? 'mention-row unread' : 'mention-row'}
        href={`${pathOf(ref)}?at=${seq}`}
        tabIndex={isStop ? 0 : -1}
        onFocus={onFocus}
      >
        <Face name={name} id={user_id} />
        <span class="who">
          <b>
            <bdi>{name}</bdi>
          </b>
          {ref.type === 'group' && title !== undefined && (
            <>
              {' in '}
              <bdi>{title}</bdi>
            </>
          )}
          {isNew && <span class="sr">, unread</span>}
        </span>
        <time dateTime={timestamp}>{brief(timestamp)}</time>
        <span class="text" dir="auto">
          {oneLine(message)}
        </span>
      </a>
    </li>
  );
}

function isUnread({ key, seq }: Mention): boolean {
  const row = inbox.value.rows.find((one) => one.key === key);
  return row !== undefined && seq > (row.last_message?.seq ?? 0) - row.unread;
}

/** Asks for more once it is in view. */
function Older({ onSeen }: { onSeen: () => void }) {
  const element = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) onSeen();
      },
      { rootMargin: '600px' },
    );
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <p class="not-loaded" ref={element}>
      Loading older ones…
    </p>
  );
}
