import { useSignal } from '@preact/signals';
import { type MessageItem, ParleyError, type Rows } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';
import { fullName } from '../format.js';
import { Dialog } from '../parts/dialog.js';
import { ErrorLine } from '../parts/error-line.js';
import { Face } from '../parts/face.js';
import { useUser } from '../parts/store.js';
import { me } from '../parley.js';
import { wordsFor } from '../words.js';
import type { View } from './view.js';

interface Loaded {
  readonly ids: readonly number[];
  /** Ask it for the next page, where there is one. */
  readonly page?: Rows<number>;
}

/** Who has reacted to a message: with one emoji at a time, in the order of their accounts, a hundred a page. */
export function ReactedBy({ view, item, onClose }: { view: View; item: MessageItem; onClose: () => void }) {
  const emoji = useSignal(item.reactions![0]!.emoji);
  const loaded = useSignal<Loaded>({ ids: [] });
  const error = useSignal<string | undefined>(undefined);
  const turn = useRef(0);
  const load = (ask: () => Promise<Rows<number>>, before: readonly number[]): void => {
    const mine = ++turn.current;
    error.value = undefined;
    ask().then(
      (page) => {
        if (mine === turn.current) loaded.value = { ids: [...before, ...page.rows], page };
      },
      (thrown: unknown) => {
        if (mine === turn.current) error.value = wordsFor(ParleyError.from(thrown));
      },
    );
  };
  useEffect(() => {
    loaded.value = { ids: [] };
    load(() => view.chat.reactedBy(item.seq!, emoji.value), []);
  }, [emoji.value]);
  const { ids, page } = loaded.value;
  return (
    <Dialog label="Who has reacted" class="ask-first reacted" onClose={onClose}>
      <h2>Who has reacted</h2>
      <div class="reactions">
        {item.reactions!.map((one) => (
          <button
            type="button"
            key={one.emoji}
            class="reaction"
            aria-pressed={one.emoji === emoji.value}
            onClick={() => (emoji.value = one.emoji)}
          >
            {one.emoji} <b>{one.count}</b>
          </button>
        ))}
      </div>
      <ErrorLine>{error.value}</ErrorLine>
      <ul tabIndex={0} aria-label={`Reacted with ${emoji.value}`}>
        {ids.map((id) => (
          <Person key={id} id={id} />
        ))}
        {page?.next && (
          <li>
            <button type="button" class="btn text" onClick={() => load(() => page.next!(), ids)}>
              Show more
            </button>
          </li>
        )}
      </ul>
      <p class="acts">
        <button type="button" class="btn quiet" onClick={onClose}>
          Close
        </button>
      </p>
    </Dialog>
  );
}

function Person({ id }: { id: number }) {
  const isMe = id === me.value?.id;
  const person = useUser(isMe ? undefined : id)?.value;
  const name = isMe ? 'You' : person ? fullName(person) : '…';
  return (
    <li>
      <Face id={id} name={isMe && me.value ? fullName(me.value) : name} />
      <bdi>{name}</bdi>
    </li>
  );
}
