import { useComputed } from '@preact/signals';
import type { ChatSummary } from 'parley-client';
import { mutedWords } from '../chat/muted.js';
import { brief } from '../format.js';
import { ChatFace } from '../parts/face.js';
import { BellOff, Clock, Warning } from '../parts/icons.js';
import { useStore, useUser } from '../parts/store.js';
import { me, parley } from '../parley.js';
import { pathOf, route } from '../router.js';
import { oneLine } from '../text/one-line.js';
import { Marks } from './marks.js';
import { isQuiet, unreadOf } from './sections.js';

export interface RowsProps {
  readonly rows: readonly ChatSummary[];
  /** The key of the conversation that is open. */
  readonly current: string | undefined;
  /** The key of the row where Tab leads. */
  readonly stop: string | undefined;
}

export function Rows({ id, label, rows, current, stop }: RowsProps & { id?: string; label?: string | undefined }) {
  return (
    <ul id={id} aria-label={label}>
      {rows.map((row) => (
        <Row key={row.key} row={row} isCurrent={row.key === current} isStop={row.key === stop} />
      ))}
    </ul>
  );
}

interface RowProps {
  readonly row: ChatSummary;
  readonly isCurrent: boolean;
  readonly isStop: boolean;
}

/** A conversation in the list. */
function Row({ row, isCurrent, isStop }: RowProps) {
  const isOnline = row.other?.is_online ?? false;
  const at = row.last_message?.timestamp;
  return (
    <li>
      <a
        class={`row${row.unread > 0 ? ' unread' : ''}${isQuiet(row) ? ' quiet' : ''}`}
        href={pathOf(row.ref)}
        aria-current={isCurrent ? 'page' : undefined}
        tabIndex={isStop ? 0 : -1}
        data-key={row.key}
      >
        <ChatFace chat={row.ref} title={row.title} isOnline={isOnline} />
        <span class="name">
          <bdi>{row.title}</bdi>
          {isOnline && <span class="sr">, online</span>}
          <Quiet row={row} />
        </span>
        <time dateTime={at}>{at && brief(at)}</time>
        <span class="last">
          <Preview row={row} />
        </span>
        {row.unread > 0 ? (
          <Marks unread={unreadOf([row])} />
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

/** That it calls nobody. */
function Quiet({ row }: { row: ChatSummary }) {
  if (!isQuiet(row)) return null;
  const { muted_until } = row;
  const words = muted_until === null ? 'You are told nothing of it' : mutedWords(muted_until);
  return (
    <span class="hushed" title={words}>
      <span class="sr">, {muted_until === null ? 'silent' : 'muted'}</span>
      <BellOff />
    </span>
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
  const group = row.ref.type === 'group' ? parley.chat(row.ref) : undefined;
  const requests = useStore(group?.requests);
  const info = useStore(group?.info);
  const asking = requests?.value ?? [];
  const [first] = asking;
  // Nobody is let into one that is frozen.
  if (!first || info?.value?.is_frozen) return undefined;
  return asking.length > 1 ? `${asking.length} people ask to join` : `${first.user.first_name} asks to join`;
}

function FirstName({ id }: { id: number }) {
  const user = useUser(id);
  const name = useComputed(() => user?.value?.first_name);
  return name.value === undefined ? null : <bdi>{name}: </bdi>;
}
