import { useComputed } from '@preact/signals';
import { type ChatSummary, ParleyError } from 'parley-client';
import { useRef } from 'preact/hooks';
import { brief, fullName } from '../format.js';
import { isFinderOpen } from '../finder/open.js';
import { ChatFace, Face } from '../parts/face.js';
import { Clock, Gear, Mark, Plus, Search, Warning } from '../parts/icons.js';
import { isPhone } from '../parts/media.js';
import { rove } from '../parts/rove.js';
import { useStore, useUser } from '../parts/store.js';
import { isMakingGroup } from '../panel/making.js';
import { connection, inbox, me, parley } from '../parley.js';
import { pathOf, route, to } from '../router.js';
import { wordsFor } from '../words.js';
import { oneLine } from '../text/one-line.js';
import { Invitation } from '../pwa/invitation.js';
import { Empty, hasNobody } from './empty.js';

/** All conversations, the newest first. On the phone it is a page of its own; then it is what is main there. */
export function ListPane({ isMain }: { isMain: boolean }) {
  const Title = isMain ? 'h1' : 'h2';
  return (
    <div class="pane" role={isMain ? 'main' : 'navigation'} aria-label="Conversations" data-region="list">
      <div class="pane-top">
        <p class="name-of-app">
          <Mark />
          <span>Parley</span>
        </p>
        <Title class="sr">Conversations</Title>
        <button type="button" class="icon" aria-label="New group" onClick={() => (isMakingGroup.value = true)}>
          <Plus />
        </button>
      </div>
      <button type="button" class="find" onClick={() => (isFinderOpen.value = true)}>
        <Search />
        <span>Find a person or group</span>
        <kbd>{KEY} K</kbd>
      </button>
      <Rows isInNavigation={!isMain} />
      <Invitation />
      <MyRow />
    </div>
  );
}

/** The key that others call Ctrl. */
export const KEY = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';

function Rows({ isInNavigation }: { isInNavigation: boolean }) {
  const list = useRef<HTMLUListElement>(null);
  const { rows, loaded } = inbox.value;
  const here = route.value;
  const current = here.at === 'chat' ? parley.chat(here.ref).key : undefined;
  // The helper is listed before anything is known.
  if (!loaded && rows.every(({ ref, last_message }) => ref.type === 'bot' && !last_message)) return <NotYet />;
  const stop = rows.some(({ key }) => key === current) ? current : rows[0]?.key;
  return (
    <div class="list">
      <div {...(isInNavigation ? {} : { role: 'navigation', 'aria-label': 'Conversations' })}>
        <ul ref={list} onKeyDown={rove(list, 'a.row')}>
          {rows.map((row) => (
            <Row key={row.key} row={row} isCurrent={row.key === current} isStop={row.key === stop} />
          ))}
        </ul>
      </div>
      {hasNobody.value &&
        (isPhone.value && !isInNavigation ? <Empty /> : <p class="none-yet">No conversations yet.</p>)}
    </div>
  );
}

/** Neither the server has said which conversations there are, nor does this device remember any. */
function NotYet() {
  const { error } = inbox.value;
  const { state, attempt } = connection.value;
  const isAway = state === 'offline' || attempt > 0;
  if (!error && !isAway) return <Bones />;
  return (
    <div class="list none-yet" role="alert">
      <p>
        Could not load your conversations.{' '}
        {wordsFor(error ?? new ParleyError(state === 'offline' ? 'offline' : 'timeout', ''))}
      </p>
      <button type="button" class="btn quiet" onClick={() => parley.retryNow()}>
        Try again
      </button>
    </div>
  );
}

function Row({ row, isCurrent, isStop }: { row: ChatSummary; isCurrent: boolean; isStop: boolean }) {
  const isOnline = row.other?.is_online ?? false;
  const at = row.last_message?.timestamp;
  return (
    <li>
      <a
        class={`row${row.unread > 0 ? ' unread' : ''}`}
        href={pathOf(row.ref)}
        aria-current={isCurrent ? 'page' : undefined}
        tabIndex={isStop ? 0 : -1}
        data-key={row.key}
      >
        <ChatFace chat={row.ref} title={row.title} isOnline={isOnline} />
        <span class="name">
          <bdi>{row.title}</bdi>
          {isOnline && <span class="sr">, online</span>}
        </span>
        <time dateTime={at}>{at && brief(at)}</time>
        <span class="last">
          <Preview row={row} />
        </span>
        {row.unread > 0 ? (
          <span class="count">
            <span class="sr">unread: </span>
            {row.unread > 99 ? '99+' : row.unread}
          </span>
        ) : row.failed > 0 ? (
          <span class="wait bad" title="Not sent">
            <span class="sr">not sent</span>
            <Warning />
          </span>
        ) : (
          row.waiting > 0 && (
            <span class="wait" title="Waiting to be sent">
              <span class="sr">waiting to be sent</span>
              <Clock />
            </span>
          )
        )}
      </a>
    </li>
  );
}

function Preview({ row }: { row: ChatSummary }) {
  const chat = parley.chat(row.ref);
  const draft = useStore(chat.draft);
  const asked = useAsked(row);
  const { last_message: last } = row;
  // The one that is open shows its draft in the composer.
  const isOpen = route.value.at === 'chat' && parley.chat((route.value as { ref: ChatSummary['ref'] }).ref) === chat;
  if (asked) return <span class="draft">{asked}</span>;
  if (row.has_draft && !isOpen && draft.value.trim() !== '')
    return (
      <>
        <span class="draft">Draft:</span> <bdi>{oneLine(draft.value)}</bdi>
      </>
    );
  if (!last) return <>{row.ref.type === 'bot' ? 'Ask me something' : 'No messages yet'}</>;
  if (last.deleted) return <>Message deleted</>;
  const isMine = last.user_id === me.value?.id;
  return (
    <>
      {isMine ? 'You: ' : row.ref.type === 'group' && last.user_id !== null && <FirstName id={last.user_id} />}
      <bdi>{oneLine(last.message, last.user_id === null)}</bdi>
    </>
  );
}

/** Who asks to be let into a group that one owns: "Charles asks to join". */
function useAsked(row: ChatSummary): string | undefined {
  const requests = useStore(row.ref.type === 'group' ? parley.chat(row.ref).requests : undefined);
  const asking = requests?.value ?? [];
  const [first] = asking;
  if (!first) return undefined;
  return asking.length > 1 ? `${asking.length} people ask to join` : `${first.user.first_name} asks to join`;
}

function FirstName({ id }: { id: number }) {
  const user = useUser(id);
  const name = useComputed(() => user?.value?.first_name);
  return name.value === undefined ? null : <bdi>{name}: </bdi>;
}

function Bones() {
  return (
    <div class="list" aria-busy="true">
      <span class="sr" role="status">
        Loading your conversations
      </span>
      {Array.from({ length: 8 }, (_, i) => (
        <div class="row bone" key={i} aria-hidden="true">
          <span class="face" />
          <i class={`w${i % 3}`} />
          <span />
          <i class={`w${(i + 1) % 3}`} />
        </div>
      ))}
    </div>
  );
}

function MyRow() {
  const who = me.value;
  if (!who) return null;
  const isOnline = connection.value.state === 'online';
  return (
    <div class="me">
      <Face name={fullName(who)} id={who.id} isMine isOnline={isOnline} />
      <div>
        <b>
          <bdi>{fullName(who)}</bdi>
        </b>
        <small>{isOnline ? 'Online' : 'Offline'}</small>
      </div>
      <a class="icon" href={to('settings')} aria-label="Settings">
        <Gear />
      </a>
    </div>
  );
}
