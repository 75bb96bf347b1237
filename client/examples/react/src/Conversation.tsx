import type { Chat, Item, MessageItem } from 'parley-client';
import { useAttached, useParley, useStore } from 'parley-client/react';
import { type KeyboardEvent, type ReactNode, type SyntheticEvent, useEffect, useLayoutEffect, useRef } from 'react';

export function Conversation({ chat }: { chat: Chat }): ReactNode {
  useAttached(chat);
  return (
    <main className="chat">
      <h1 dir="auto">
        <Title chat={chat} />
      </h1>
      <Messages chat={chat} />
      <Status chat={chat} />
      <Composer chat={chat} />
    </main>
  );
}

function Title({ chat }: { chat: Chat }): ReactNode {
  return useStore(chat.summary, (summary) => summary?.title);
}

function Name({ user }: { user: number }): ReactNode {
  return useStore(useParley().users.get(user), (known) => known?.first_name);
}

function Messages({ chat }: { chat: Chat }): ReactNode {
  const { items, at_start, loading, new_from } = useStore(chat.timeline);
  const list = useRef<HTMLOListElement>(null);
  /** From the upper edge of what is in view to the end: what comes above pushes nothing away that somebody reads. */
  const toEnd = useRef(0);
  const isAtEnd = useRef(true);
  const seen = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = list.current!;
    toEnd.current = scrollHeight - scrollTop;
    isAtEnd.current = toEnd.current - clientHeight < 80;
    const last = items.findLast((item) => item.kind === 'message' && item.seq !== undefined);
    if (isAtEnd.current && last?.kind === 'message') chat.seen(last.seq!);
  };
  const first = items[0]?.key;
  const shownFirst = useRef(first);
  useLayoutEffect(() => {
    const shown = list.current!;
    if (isAtEnd.current) shown.scrollTop = shown.scrollHeight;
    else if (shownFirst.current !== first) shown.scrollTop = shown.scrollHeight - toEnd.current;
    shownFirst.current = first;
    seen();
  });
  // The end stays in view when the list becomes lower because the draft needs more lines.
  useEffect(() => {
    const shown = list.current!;
    const watch = new ResizeObserver(() => {
      if (isAtEnd.current) shown.scrollTop = shown.scrollHeight;
    });
    watch.observe(shown);
    return () => watch.disconnect();
  }, []);
  return (
    <>
      {!at_start && items.length > 0 && (
        <button className="plain" disabled={loading === 'older'} onClick={() => void chat.loadOlder()}>
          Earlier messages
        </button>
      )}
      <ol className="messages" tabIndex={0} aria-label="Messages" ref={list} onScroll={seen}>
        {items.map((item) => (
          <Row
            key={item.key}
            chat={chat}
            item={item}
            isFirstNew={item.kind === 'message' && item.seq !== undefined && item.seq === new_from}
          />
        ))}
      </ol>
    </>
  );
}

function Row({ chat, item, isFirstNew }: { chat: Chat; item: Item; isFirstNew: boolean }): ReactNode {
  if (item.kind === 'notice')
    return (
      <li className="notice" dir="auto">
        {item.message}
      </li>
    );
  const { mine, state, user_id, error } = item;
  return (
    <li className={['message', state, mine && 'mine', isFirstNew && 'new'].filter(Boolean).join(' ')}>
      <b dir="auto">{mine ? 'You' : user_id === null ? 'Helper' : <Name user={user_id} />}</b>
      <p dir="auto">{item.live ? <Live item={item} /> : item.deleted ? 'Message deleted' : item.message}</p>
      <time dateTime={item.timestamp}>
        {state === 'queued' || state === 'sending'
          ? 'waits'
          : new Date(item.timestamp).toLocaleTimeString([], { timeStyle: 'short' })}
        {item.edited_at && ', edited'}
      </time>
      {state === 'failed' && (
        <>
          <p className="error">{error?.message}</p>
          <button className="plain" onClick={() => void chat.retry(item.client_id!)}>
            Send again
          </button>
          <button className="plain" onClick={() => chat.setDraft(chat.discard(item.client_id!) ?? '')}>
            Take back
          </button>
        </>
      )}
    </li>
  );
}

/** An answer of the bot, while it forms: this alone renders again with each piece. */
function Live({ item }: { item: MessageItem }): ReactNode {
  return useStore(item.live!);
}

/** One line, always there, so that nothing jumps. */
function Status({ chat }: { chat: Chat }): ReactNode {
  const isOffline = useStore(useParley().connection, ({ state }) => state === 'waiting' || state === 'offline');
  const isTyping = useStore(chat.typing, (ids) => ids.length > 0);
  const error = useStore(chat.timeline, (timeline) => timeline.error?.message);
  const { write } = useStore(chat.may);
  return (
    <p className="status" role="status">
      {!write
        ? 'You cannot write here.'
        : isOffline
          ? 'Offline. What you write is sent when you are back.'
          : isTyping
            ? 'Somebody types …'
            : error}
    </p>
  );
}

function Composer({ chat }: { chat: Chat }): ReactNode {
  const draft = useStore(chat.draft);
  const { write } = useStore(chat.may);
  const input = useRef<HTMLTextAreaElement>(null);
  useEffect(() => input.current?.focus(), []);
  // Stores tell of changes a moment later: a `value` that comes so late would move the caret to the end with each key.
  useLayoutEffect(() => {
    if (input.current!.value !== draft) input.current!.value = draft;
  }, [draft]);
  const send = (event: SyntheticEvent): void => {
    event.preventDefault();
    const { value } = input.current!;
    if (value.trim() !== '') void chat.send(value);
  };
  const keyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
  };
  return (
    <form className="composer" onSubmit={send}>
      <textarea
        ref={input}
        rows={1}
        dir="auto"
        aria-label="Message"
        disabled={!write}
        onKeyDown={keyDown}
        onChange={(event) => {
          chat.setDraft(event.target.value);
          chat.typed();
        }}
      />
      <button disabled={!write}>Send</button>
    </form>
  );
}
