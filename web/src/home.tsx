import { useComputed } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { useArrival } from './arrival.js';
import { Chat } from './chat/chat.js';
import { leaveTheOneBefore } from './chat/left-behind.js';
import { Finder } from './finder/finder.js';
import { isFinderOpen } from './finder/open.js';
import { listenForKeyboard } from './keyboard.js';
import { listenForKeys } from './keys.js';
import { ListPane } from './list/list-pane.js';
import { Nothing, NothingChosen } from './list/nothing.js';
import { Mentions } from './mentions/mentions.js';
import { addingTo } from './panel/adding.js';
import { isMakingGroup } from './panel/making.js';
import { NewGroup } from './panel/new-group.js';
import { inbox, parley } from './parley.js';
import { KeyList } from './parts/key-list.js';
import { isKeyListOpen } from './parts/key-list-open.js';
import { go, route, to } from './router.js';
import { Settings } from './settings/settings.js';

/** What there is for those who are in: the list, and beside it a conversation, the settings, or nothing yet. */
export function Home() {
  // Not an effect: those of what is shown come first.
  useMemo(leaveTheOneBefore, []);
  useEffect(() => listenForKeys(), []);
  useEffect(() => listenForKeyboard(), []);
  useArrival();
  useEffect(() => {
    // The shortcut of the installed app.
    if (!new URLSearchParams(location.search).has('find')) return;
    isFinderOpen.value = true;
    go(to(''), { replace: true });
  }, []);
  const here = route.value;
  const unread = useComputed(() => inbox.value.unread).value;
  const chat = here.at === 'chat' ? parley.chat(here.ref) : undefined;
  const title = here.at === 'settings' ? 'Settings' : here.at === 'mentions' ? 'Mentions' : undefined;
  useEffect(() => {
    // A conversation sets its own: the name of whom one talks to.
    if (!chat) document.title = `${unread > 0 ? `(${unread}) ` : ''}${title ? `${title} · ` : ''}Parley`;
  }, [chat, unread, title]);
  return (
    <>
      <div class={`app ${here.at === 'list' ? 'show-list' : 'show-talk'}`}>
        <ListPane isMain={here.at === 'list'} />
        {here.at === 'chat' ? (
          <Chat key={chat!.key} chat={chat!} seq={here.seq} isAtMembers={here.members ?? false} />
        ) : here.at === 'settings' ? (
          <Settings />
        ) : here.at === 'mentions' ? (
          <Mentions />
        ) : here.at === 'list' ? (
          <NothingChosen />
        ) : (
          <Nothing />
        )}
      </div>
      {(isFinderOpen.value || addingTo.value) && <Finder />}
      {isMakingGroup.value && <NewGroup />}
      {isKeyListOpen.value && <KeyList />}
    </>
  );
}
