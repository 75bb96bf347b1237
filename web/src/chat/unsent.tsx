import type { Chat, MessageItem } from 'parley-client';
import { CopyButton } from '../parts/copy-button.js';
import { useStore } from '../parts/store.js';

interface UnsentProps {
  readonly chat: Chat;
  /** Also those that were refused or still wait, where the conversation does not show them. */
  readonly withMessages?: boolean;
}

/** Where one may not write any more: what was written and not sent, so that it can be taken elsewhere. */
export function Unsent({ chat, withMessages = false }: UnsentProps) {
  const draft = useStore(chat.draft).value;
  const { items } = useStore(chat.timeline).value;
  const messages = withMessages
    ? items.filter(
        (item): item is MessageItem => item.kind === 'message' && (item.state === 'failed' || item.state === 'queued'),
      )
    : [];
  const texts = [
    ...messages.map(({ key, message }) => ({ key, text: message, remove: () => chat.discard(key) })),
    ...(draft.trim() === '' ? [] : [{ key: 'draft', text: draft, remove: () => chat.setDraft('') }]),
  ];
  if (texts.length === 0) return null;
  return (
    <section class="unsent" aria-label="Not sent">
      <small>Not sent:</small>
      {texts.map(({ key, text, remove }) => (
        <div key={key}>
          <p dir="auto">{text}</p>
          <CopyButton text={text} />
          <button type="button" class="btn text bad" onClick={remove}>
            Delete
          </button>
        </div>
      ))}
    </section>
  );
}
