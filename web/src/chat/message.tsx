import { type Group, type MessageItem } from 'parley-client';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { fullName, moment, time, voice } from '../format.js';
import { CopyButton } from '../parts/copy-button.js';
import { Clock, Reply, More, Smile, Tick, Ticks, Warning } from '../parts/icons.js';
import { onHold } from '../parts/hold.js';
import { useStore } from '../parts/store.js';
import { me, server } from '../parley.js';
import { useMentionNames } from '../text/mention-names.js';
import { MessageText } from '../text/message-text.js';
import { whyNot } from '../words.js';
import { useNameIn } from './names.js';
import { quotedWords, QuoteLine } from './quote.js';
import { mayReact, pickFor, Reactions } from './reactions.js';
import type { MessageRow } from './rows.js';
import { unanswered } from './unanswered.js';
import { answerTo, type View } from './view.js';

const SHOW_WAITING_AFTER_MS = 400;

interface MessageProps {
  readonly row: MessageRow;
  readonly view: View;
  /** Whether this is where Tab leads. */
  readonly isStop: boolean;
}

/** One message as a part of a turn: the name stands beside the first, the voice line runs through all. */
export function MessageLine({ row, view, isStop }: MessageProps) {
  const { item, isFirst, isLast, hasTick } = row;
  const isBot = item.user_id === null;
  const turn = `turn ${voice(item.user_id, item.mine)}${item.mine ? ' mine' : ''}${isBot ? ' bot' : ''}${isFirst ? ' first' : ''}${isLast ? ' last' : ''}`;
  const isLate = useIsLate(item);
  const state = item.state === 'failed' ? ' failed' : isWaiting(item) && isLate ? ' queued' : '';
  return (
    <div class={turn}>
      {isFirst ? (
        <h2 class="who">
          <bdi>
            <Name item={item} view={view} />
          </bdi>
        </h2>
      ) : (
        <span class="who" />
      )}
      <div class="said">
        <article
          class={`msg${state}`}
          tabIndex={isStop ? 0 : -1}
          aria-setsize={-1}
          aria-posinset={item.seq}
          aria-label={useSentence(item, view)}
          data-key={item.key}
          {...onHold((held) => openMenu(item, view, held))}
        >
          {item.reply_to && !item.deleted && <QuoteLine quote={item.reply_to} view={view} />}
          <div class="body" dir="auto">
            <Body item={item} isBot={isBot} />
          </div>
          <span class="meta">
            {isFirst || item.mine ? <time dateTime={item.timestamp}>{time(item.timestamp)}</time> : null}
            {hasTick && <State item={item} view={view} isLate={isLate} />}
          </span>
          {item.reactions && !item.deleted && <Reactions item={item} view={view} />}
          {view.trouble.value?.key === item.key && (
            <p class="why" role="alert">
              <Warning />
              <span>{view.trouble.value.text}</span>
            </p>
          )}
          {item.state === 'stored' && !item.deleted && <Tools item={item} view={view} />}
          {item.state === 'failed' && <Refused item={item} view={view} />}
          {item.state === 'streaming' && <Answering item={item} view={view} />}
          {item.client_id !== undefined && unanswered.value.has(item.client_id) && (
            <Unanswered question={item} view={view} />
          )}
        </article>
      </div>
    </div>
  );
}

export const isWaiting = (item: MessageItem): boolean => item.state === 'queued' || item.state === 'sending';

function Body({ item, isBot }: { item: MessageItem; isBot: boolean }) {
  const mentions = useMentionNames(item.mentions);
  if (item.deleted) return <p class="gone">Message deleted</p>;
  if (item.live) return <Streaming item={item} />;
  const edited = item.edited_at !== undefined && (
    <span class="edited" title={`Edited ${moment(item.edited_at)}`}>
      edited
    </span>
  );
  return <MessageText text={item.message} isBot={isBot} mentions={mentions} end={edited || undefined} />;
}

function Streaming({ item }: { item: MessageItem }) {
  const text = useStore(item.live!);
  return <MessageText text={text.value} isBot isForming end={<span class="caret" />} />;
}

/** The name beside a turn. */
function Name({ item, view }: { item: MessageItem; view: View }) {
  const name = useNameIn(view.chat, item.user_id);
  return <>{name.value}</>;
}

/** Its name for those who hear it: "Alan, 10:42: I can, Ada."; "Grace, 10:43, replying to Alan, I can, Ada.: So can I, 👍 2" */
function useSentence(item: MessageItem, view: View): string {
  const name = useNameIn(view.chat, item.user_id);
  const { reply_to: quote } = item;
  const author = useNameIn(view.chat, quote?.user_id ?? null);
  const replies = quote && !item.deleted ? `, replying to ${author.value}, ${quotedWords(quote)}` : '';
  const text = item.deleted ? 'Message deleted' : item.message;
  const state = item.mine ? `, ${STATE[stateOf(item, view)]}` : '';
  const reactions = item.deleted ? [] : (item.reactions ?? []).map(({ emoji, count }) => `, ${emoji} ${count}`);
  return `${name.value}, ${time(item.timestamp)}${replies}: ${text}${item.edited_at ? ', edited' : ''}${state}${reactions.join('')}`;
}

export type Tick = 'queued' | 'failed' | 'sent' | 'read';

const STATE: Readonly<Record<Tick, string>> = {
  queued: 'waiting to be sent',
  failed: 'not sent',
  sent: 'sent',
  read: 'read',
};

/** What is drawn beside an own message. Read is said in rooms alone: in a group it would say less than it seems to. */
export function stateOf(item: MessageItem, { chat }: View): Tick {
  if (item.state === 'failed') return 'failed';
  if (isWaiting(item)) return 'queued';
  if (chat.ref.type !== 'room' || item.seq === undefined) return 'sent';
  return (chat.receipts.get().get(chat.ref.user_id) ?? 0) >= item.seq ? 'read' : 'sent';
}

/** Whether it has waited for so long that one is to see it: most are stored before, and would flicker. */
function useIsLate(item: MessageItem): boolean {
  const age = Date.now() - Date.parse(item.timestamp);
  const [isLate, setLate] = useState(!isWaiting(item) || age > SHOW_WAITING_AFTER_MS);
  useEffect(() => {
    if (isLate) return undefined;
    const timer = setTimeout(() => setLate(true), SHOW_WAITING_AFTER_MS - Math.max(0, age));
    return () => clearTimeout(timer);
  }, []);
  return isLate;
}

function State({ item, view, isLate }: { item: MessageItem; view: View; isLate: boolean }) {
  const receipts = useStore(view.chat.receipts);
  // Only to be drawn again when somebody has read further.
  void receipts.value;
  const state = stateOf(item, view);
  if (state === 'failed') return null;
  // The place of the tick that is about to come.
  if (state === 'queued' && !isLate)
    return (
      <span class="unseen">
        <Tick />
      </span>
    );
  return (
    <span class={state === 'read' ? 'read' : undefined}>
      <span class="sr">{STATE[state]}</span>
      {state === 'queued' ? <Clock /> : state === 'read' ? <Ticks /> : <Tick />}
    </span>
  );
}

/** Whether one may reply to it; what one may not do is absent. */
export const mayReply = (item: MessageItem, { chat }: View): boolean =>
  item.state === 'stored' &&
  !item.deleted &&
  chat.may.get().write &&
  (server.value?.features.includes('replies') ?? false);

function Tools({ item, view }: { item: MessageItem; view: View }) {
  void useStore(view.chat.may).value;
  return (
    <span class="tools">
      {mayReact(item, view) && (
        <Tool
          name="Add a reaction"
          popup="dialog"
          onClick={(button) => pickFor(item, view, button.closest('article')!)}
        >
          <Smile />
        </Tool>
      )}
      {mayReply(item, view) && (
        <Tool name="Reply" onClick={() => view.reply(item)}>
          <Reply />
        </Tool>
      )}
      <Tool
        name="More for this message"
        popup="menu"
        onClick={(button) => openMenu(item, view, button.closest('article')!)}
      >
        <More />
      </Tool>
    </span>
  );
}

interface ToolProps {
  readonly name: string;
  readonly popup?: 'menu' | 'dialog';
  readonly onClick: (button: HTMLElement) => void;
  readonly children: ComponentChildren;
}

function Tool({ name, popup, onClick, children }: ToolProps) {
  return (
    <button
      type="button"
      class="icon"
      tabIndex={-1}
      aria-label={name}
      title={name}
      aria-haspopup={popup}
      onClick={(event) => onClick(event.currentTarget)}
    >
      {children}
    </button>
  );
}

function openMenu(item: MessageItem, view: View, opener: HTMLElement): void {
  if (item.state === 'stored' && !item.deleted) view.menuOf.value = { item, opener };
}

function Refused({ item, view }: { item: MessageItem; view: View }) {
  const { chat } = view;
  const { write } = useStore(chat.may).value;
  const name = item.client_id!;
  return (
    <p class="why">
      <Warning />
      <span>Not sent: {item.error ? whyNot(item.error) : 'something went wrong.'}</span>
      {write ? (
        <>
          <button type="button" class="btn text" onClick={() => void chat.retry(name)}>
            Try again
          </button>
          <button type="button" class="btn text" onClick={() => view.takeBack(name)}>
            Edit
          </button>
        </>
      ) : (
        <CopyButton text={item.message} />
      )}
      <button type="button" class="btn text bad" onClick={() => void chat.discard(name)}>
        Delete
      </button>
    </p>
  );
}

function Answering({ item, view }: { item: MessageItem; view: View }) {
  const isStopping = view.stopping.value === item.key;
  return (
    <p class="answering">
      {isStopping ? 'Stopping…' : 'Answering'}
      <button type="button" class="btn text" disabled={isStopping} onClick={() => view.stop(item)}>
        Stop
      </button>
    </p>
  );
}

function Unanswered({ question, view }: { question: MessageItem; view: View }) {
  const { items } = useStore(view.chat.timeline).value;
  // An answer may come late, after the connection broke.
  if (items.some(({ key }) => key === answerTo(question))) return null;
  return (
    <p class="why">
      <Warning />
      <span>The helper did not answer.</span>
      <button type="button" class="btn text" onClick={() => view.askAgain(question)}>
        Ask again
      </button>
    </p>
  );
}

/** For the menu: who of a group has read this, without oneself. */
export function readersOf(group: Group, item: MessageItem): string[] {
  return group.members
    .get()
    .filter(({ id, last_read_seq }) => id !== me.peek()?.id && last_read_seq >= (item.seq ?? Infinity))
    .map(fullName);
}
