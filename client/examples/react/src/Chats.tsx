import type { Chat, ChatSummary, Me, User } from 'parley-client';
import { useParley, useStore } from 'parley-client/react';
import { type ReactNode, useEffect, useState } from 'react';

interface Props {
  me: Me;
  open: Chat | undefined;
  onOpen: (chat: Chat) => void;
}

export function Chats({ me, open, onOpen }: Props): ReactNode {
  const parley = useParley();
  const { rows, unread } = useStore(parley.inbox);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Chat` : 'Chat';
  }, [unread]);
  return (
    <nav className="chats" aria-label="Conversations">
      <p className="me">
        <bdi>{me.first_name}</bdi>
        <button className="plain" onClick={() => void parley.logout()}>
          Sign out
        </button>
      </p>
      <Find me={me} onFound={(user) => onOpen(parley.room(user.id))} />
      <ul aria-label="Conversations">
        {rows.map((row) => (
          <li key={row.key}>
            <Row row={row} isOpen={row.key === open?.key} onOpen={() => onOpen(parley.chat(row.ref))} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Row({ row, isOpen, onOpen }: { row: ChatSummary; isOpen: boolean; onOpen: () => void }): ReactNode {
  const { title, unread, last_message, has_draft } = row;
  const preview = last_message?.deleted ? 'Message deleted' : last_message?.message;
  return (
    <button aria-current={isOpen ? 'page' : undefined} onClick={onOpen}>
      <b dir="auto">{title}</b>
      <small dir="auto">{has_draft ? 'Draft' : preview}</small>
      {unread > 0 && <i title={`${unread} unread`}>{unread}</i>}
    </button>
  );
}

function Find({ me, onFound }: { me: Me; onFound: (user: User) => void }): ReactNode {
  const parley = useParley();
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<readonly User[]>([]);
  useEffect(() => {
    const ending = new AbortController();
    if (query.trim() === '') setFound([]);
    else
      parley.users.find(query, { signal: ending.signal }).then(
        ({ rows }) => setFound(rows.filter(({ id }) => id !== me.id).slice(0, 8)),
        () => {},
      );
    return () => ending.abort();
  }, [parley, query, me.id]);
  return (
    <>
      <input
        type="search"
        placeholder="Find people"
        aria-label="Find people"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <ul aria-label="People">
        {found.map((user) => (
          <li key={user.id}>
            <button
              dir="auto"
              onClick={() => {
                setQuery('');
                onFound(user);
              }}
            >
              {user.first_name} {user.last_name}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
