import { useSignal } from '@preact/signals';
import { ParleyError, type User } from 'parley-client';
import { useEffect } from 'preact/hooks';
import { connection, me, parley } from '../parley.js';
import { matchPerson, toNeedle } from './matching.js';

/** Somebody who types is asked for once they pause. */
const PAUSE_MS = 120;
const RETRY_AFTER_MS = 3_000;
/** More are found by a longer beginning than by scrolling. */
const MOST_SHOWN = 50;

export interface People {
  readonly rows: readonly User[];
  /** There are more than are shown. */
  readonly hasMore: boolean;
  /** The server has not answered for this query yet: `rows` are those of its last answer that fit. */
  readonly isLoading: boolean;
  readonly error: ParleyError | undefined;
  readonly retry: () => void;
}

/** Everybody else whose name begins so; all where `query` is empty. Answers to what was looked for before are dropped. */
export function usePeople(query: string, isWanted: boolean): People {
  const needle = toNeedle(query);
  const answer = useSignal<{ needle: string; rows: readonly User[]; hasMore: boolean } | undefined>(undefined);
  const error = useSignal<ParleyError | undefined>(undefined);
  const tries = useSignal(0);
  const isOnline = connection.value.state === 'online';
  useEffect(() => {
    error.value = undefined;
    if (!isWanted) return undefined;
    const late = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = (): void => {
      parley.users.find(query, { signal: late.signal }).then(
        (found) => {
          if (late.signal.aborted) return;
          error.value = undefined;
          answer.value = { needle, rows: withoutMe(found.rows), hasMore: 'next' in found };
        },
        (thrown: unknown) => {
          if (late.signal.aborted) return;
          error.value = ParleyError.from(thrown);
          const { retryable, retry_after_ms = 0 } = error.value;
          if (retryable) timer = setTimeout(ask, Math.max(RETRY_AFTER_MS, retry_after_ms));
        },
      );
    };
    timer = setTimeout(ask, answer.peek() ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      late.abort();
    };
  }, [needle, isWanted, isOnline, tries.value]);
  const last = answer.value;
  const isCurrent = last?.needle === needle;
  const rows = isCurrent ? last.rows : (last?.rows ?? []).filter((user) => matchPerson(user, needle));
  return {
    rows: isWanted ? rows.slice(0, MOST_SHOWN) : [],
    hasMore: isCurrent && (last.hasMore || rows.length > MOST_SHOWN),
    isLoading: isWanted && !isCurrent && error.value === undefined,
    error: error.value,
    retry: () => tries.value++,
  };
}

const withoutMe = (rows: readonly User[]): readonly User[] => rows.filter(({ id }) => id !== me.peek()?.id);
