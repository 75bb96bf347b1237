import type { Attached, Chat as AnyChat, Group } from 'parley-client';
import { ParleyError } from 'parley-client';
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { seen } from '../format.js';
import { Back, Lock, Members, More } from '../parts/icons.js';
import { ChatFace } from '../parts/face.js';
import { isWide } from '../parts/media.js';
import { asGroup, asRoom, useStore } from '../parts/store.js';
import { Nothing } from '../list/nothing.js';
import { MembersPanel } from '../panel/members-panel.js';
import { isPanelOpen } from '../panel/open.js';
import { inbox, me } from '../parley.js';
import { back, go, pathOf, to } from '../router.js';
import { Announcer } from './announcer.js';
import { ChatMenu } from './chat-menu.js';
import { Closed } from './closed.js';
import { Composer } from './composer.js';
import { looksAt } from './left-behind.js';
import { Log } from './log.js';
import { MessageMenu } from './message-menu.js';
import { ReactionPicker } from './reaction-picker.js';
import { Unsent } from './unsent.js';
import { createView, type View } from './view.js';

interface ChatProps {
  readonly chat: AnyChat;
  readonly seq: number | undefined;
  /** The members are the page, on a phone. */
  readonly isAtMembers: boolean;
}

/** A conversation: who it is with, its messages, and where one writes. */
export function Chat({ chat, seq, isAtMembers }: ChatProps) {
  const view = useMemo(() => createView(chat), [chat]);
  const failure = useSignal<ParleyError | undefined>(undefined);
  const isNobody = useIsNobody(chat);
  const info = useStore(asGroup(chat)?.info);
  const isOutside = info?.value !== undefined && info.value.standing !== 'member';
  /** The members lie over the messages: nobody reads those. */
  const isCovered = isAtMembers && !isWide.value;
  const attachment = useRef<Attached | undefined>(undefined);
  useEffect(() => {
    if (isOutside) return undefined;
    failure.value = undefined;
    const attached = (attachment.current = chat.attach());
    attached.ready.catch((thrown: unknown) => (failure.value = ParleyError.from(thrown)));
    const looksAway = chat.ref.type === 'group' ? looksAt(chat.ref.group_id) : undefined;
    return () => {
      looksAway?.();
      attached.detach();
    };
  }, [chat, isOutside]);
  useEffect(() => attachment.current?.look(!isCovered), [chat, isOutside, isCovered]);
  const isNothing = isNobody || (!isOutside && failure.value?.code === 'not_found');
  useTitle(chat, isNothing);
  const isGroup = chat.ref.type === 'group';
  if (isNothing)
    return (
      <Nothing
        {...(isGroup && { title: 'This group no longer exists.' })}
        text="It may have been deleted, or the link is not right."
      >
        <Unsent chat={chat} withMessages />
      </Nothing>
    );
  return (
    <>
      <main class="talk" data-chat={chat.key}>
        <Top view={view} isOutside={isOutside} />
        {isOutside ? (
          <Closed group={chat as Group} />
        ) : (
          <>
            <Log view={view} seq={seq} />
            <Composer view={view} />
          </>
        )}
        {view.menuOf.value && <MessageMenu view={view} {...view.menuOf.value} />}
        {view.pickingFor.value && <ReactionPicker view={view} {...view.pickingFor.value} />}
        <Announcer chat={chat} />
      </main>
      {isGroup && info?.value?.standing === 'member' && ((isWide.value && isPanelOpen.value) || isAtMembers) && (
        <MembersPanel
          group={chat as Group}
          onClose={() => (isAtMembers ? back(pathOf(chat.ref)) : (isPanelOpen.value = false))}
          isPage={isAtMembers}
        />
      )}
    </>
  );
}

/** A group that is gone, perhaps just now; or a link to nobody, or to oneself. Of somebody who has gone, what they wrote stays. */
function useIsNobody(chat: AnyChat): boolean {
  const isGone = useStore(chat.may).value.why_not === 'gone';
  const other = useStore(asRoom(chat)?.other);
  return isGone && (other?.value === undefined || other.value.id === me.value?.id);
}

function useTitle(chat: AnyChat, isNothing: boolean): void {
  const known = useChatTitle(chat);
  const title = isNothing ? 'Nothing here' : known;
  const unread = useComputed(() => inbox.value.unread).value;
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${title} · Parley`;
  }, [title, unread]);
}

/** What a conversation is called, also one that stands in no list yet. */
function useChatTitle(chat: AnyChat): string {
  const summary = useStore(chat.summary);
  return summary.value?.title ?? '…';
}

function Top({ view, isOutside }: { view: View; isOutside: boolean }) {
  const { chat } = view;
  const title = useChatTitle(chat);
  const other = useStore(asRoom(chat)?.other);
  const info = useStore(asGroup(chat)?.info);
  const requests = useStore(asGroup(chat)?.requests);
  const menuAt = useSignal<HTMLElement | undefined>(undefined);
  const asking = info?.value?.is_frozen ? 0 : (requests?.value.length ?? 0);
  const toMembers = (): void => {
    if (isWide.peek()) isPanelOpen.value = !isPanelOpen.value;
    else if (chat.ref.type === 'group') go(to(`group/${chat.ref.group_id}/members`));
  };
  return (
    <header class="talk-top">
      <button type="button" class="icon only-phone" aria-label="Back to conversations" onClick={() => back()}>
        <Back />
      </button>
      <ChatFace chat={chat.ref} title={title} isOnline={other?.value?.is_online ?? false} />
      <div class="what">
        <h1>
          <bdi>{title}</bdi>
          {info?.value?.is_private && (
            <>
              <Lock />
              <span class="sr">private group</span>
            </>
          )}
        </h1>
        <p>
          <Subtitle chat={chat} />
        </p>
      </div>
      {info && !isOutside && (
        <button
          type="button"
          class="icon"
          aria-label={asking > 0 ? `Members, ${asking} ask to join` : 'Members'}
          aria-pressed={isWide.value ? isPanelOpen.value : undefined}
          onClick={toMembers}
        >
          <Members />
          {asking > 0 && <i class="asks" />}
        </button>
      )}
      {chat.ref.type !== 'bot' && !isOutside && (
        <button
          type="button"
          class="icon"
          aria-label="More"
          aria-haspopup="menu"
          aria-expanded={menuAt.value !== undefined}
          onClick={(event) => (menuAt.value = event.currentTarget)}
        >
          <More />
        </button>
      )}
      {menuAt.value && <ChatMenu chat={chat} opener={menuAt.value} onClose={() => (menuAt.value = undefined)} />}
    </header>
  );
}

function Subtitle({ chat }: { chat: AnyChat }) {
  const other = useStore(asRoom(chat)?.other);
  const info = useStore(asGroup(chat)?.info);
  const members = useStore(asGroup(chat)?.members);
  if (chat.ref.type === 'bot') return <>This server’s bot. Only you see this.</>;
  if (chat.ref.type === 'room') {
    const person = other?.value;
    if (!person) return null;
    if (person.is_online) return <span class="on">Online</span>;
    return person.last_seen === null ? null : <>{seen(person.last_seen)}</>;
  }
  const group = info?.value;
  if (!group) return null;
  if (group.standing !== 'member') return <>{group.is_private ? 'Private group' : 'Open group'}</>;
  const here = members?.value.filter(({ is_in_group }) => is_in_group).length ?? 0;
  const count = members?.value.length || group.member_count || 0;
  return (
    <>
      {count} {count === 1 ? 'member' : 'members'}
      {here > 0 && (
        <>
          , <span class="on">{here} here now</span>
        </>
      )}
    </>
  );
}
