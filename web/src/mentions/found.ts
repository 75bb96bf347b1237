import { type ReadonlySignal, useSignal } from '@preact/signals';
import { type Mention, ParleyError, type Rows } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';
import { inbox, parley } from '../parley.js';

interface Found {
  /** Newest first; undefined: not known yet. */
  readonly rows: ReadonlySignal<readonly Mention[] | undefined>;
  readonly hasMore: ReadonlySignal<boolean>;
  readonly error: ReadonlySignal<ParleyError | undefined>;
  /** Older ones; after an error, what failed again. */
  readonly loadMore: () => void;
}

const nameOf = ({ key, seq }: Mention): string => `${key} ${seq}`;

/** The messages that name one, a page at a time; new ones come on top. */
export function useMentions(): Found {
  const rows = useSignal<readonly Mention[] | undefined>(undefined);
  const hasMore = useSignal(false);
  const error = useSignal<ParleyError | undefined>(undefined);
  const last = useRef<Rows<Mention>>(undefined);
  const isLoading = useRef(false);
  const gone = useRef(new AbortController());
  const { signal } = gone.current;

  const loadMore = (): void => {
    if (isLoading.current) return;
    isLoading.current = true;
    error.value = undefined;
    const page = last.current?.next?.({ signal }) ?? parley.mentions({ signal });
    page
      .then(
        (found) => {
          rows.value = [...(rows.peek() ?? []), ...found.rows];
          last.current = found;
          hasMore.value = 'next' in found;
        },
        (thrown: unknown) => {
          if (!signal.aborted) error.value = ParleyError.from(thrown);
        },
      )
      .finally(() => (isLoading.current = false));
  };
  const loadNewer = async (): Promise<void> => {
    const found = await parley.mentions({ signal });
    const known = new Set(rows.peek()?.map(nameOf));
    rows.value = [...found.rows.filter((row) => !known.has(nameOf(row))), ...(rows.peek() ?? [])];
  };

  useEffect(() => {
    loadMore();
    return () => gone.current.abort();
  }, []);
  const unread = inbox.value.unread_mentions;
  const before = useRef(unread);
  useEffect(() => {
    // What cannot be loaded now comes with the next one.
    if (unread > before.current && rows.peek()) loadNewer().catch(() => {});
    before.current = unread;
  }, [unread]);
  return { rows, hasMore, error, loadMore };
}
