import { ParleyError } from 'parley-client';
import { useRef } from 'preact/hooks';
import { fullName } from '../format.js';
import { isFinderOpen } from '../finder/open.js';
import { Face } from '../parts/face.js';
import { Gear, Mark, Plus, Search } from '../parts/icons.js';
import { isPhone } from '../parts/media.js';
import { rove } from '../parts/rove.js';
import { MentionsPlace } from '../mentions/place.js';
import { isMakingGroup } from '../panel/making.js';
import { connection, inbox, me, parley } from '../parley.js';
import { route, to } from '../router.js';
import { wordsFor } from '../words.js';
import { Invitation } from '../pwa/invitation.js';
import { Archived } from './archived.js';
import { Empty, hasNobody } from './empty.js';
import { Rows } from './row.js';
import { sections, shownRows } from './sections.js';

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
      <MentionsPlace />
      <Conversations isInNavigation={!isMain} />
      <Invitation />
      <MyRow />
    </div>
  );
}

/** The key that others call Ctrl. */
export const KEY = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';

function Conversations({ isInNavigation }: { isInNavigation: boolean }) {
  const list = useRef<HTMLDivElement>(null);
  const { rows, loaded } = inbox.value;
  const here = route.value;
  // The helper is listed before anything is known.
  if (!loaded && rows.every(({ ref, last_message }) => ref.type === 'bot' && !last_message)) return <NotYet />;
  const current = here.at === 'chat' ? parley.chat(here.ref).key : undefined;
  const shown = shownRows.value;
  const stop = shown.some(({ key }) => key === current) ? current : shown[0]?.key;
  const { favourites, others, archived } = sections.value;
  const Heading = isInNavigation ? 'h3' : 'h2';
  return (
    <div class="list">
      <div
        {...(isInNavigation ? {} : { role: 'navigation', 'aria-label': 'Conversations' })}
        ref={list}
        onKeyDown={rove(list, 'a.row, .fold')}
      >
        {favourites.length > 0 && (
          <>
            <Heading class="of">Favourites</Heading>
            <Rows label="Favourites" rows={favourites} current={current} stop={stop} />
          </>
        )}
        {favourites.length > 0 && others.length > 0 && <Heading class="of">Others</Heading>}
        {others.length > 0 && (
          <Rows label={favourites.length > 0 ? 'Others' : undefined} rows={others} current={current} stop={stop} />
        )}
        {archived.length > 0 && <Archived rows={archived} current={current} stop={stop} isStop={stop === undefined} />}
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
