import { computed, signal } from '@preact/signals';
import type { ChatSummary } from 'parley-client';
import { inbox } from '../parley.js';

/** Each newest first, as the inbox is. */
interface Sections {
  readonly favourites: readonly ChatSummary[];
  readonly others: readonly ChatSummary[];
  /** Also favourites that were archived. */
  readonly archived: readonly ChatSummary[];
}

export function sectionsOf(rows: readonly ChatSummary[]): Sections {
  const listed = rows.filter(({ is_archived }) => !is_archived);
  return {
    favourites: listed.filter(({ is_favourite }) => is_favourite),
    others: listed.filter(({ is_favourite }) => !is_favourite),
    archived: rows.filter(({ is_archived }) => is_archived),
  };
}

export const sections = computed(() => sectionsOf(inbox.value.rows));

/** For as long as the page lives. */
export const isArchiveOpen = signal(false);

/** What the list shows, from above. */
export const shownRows = computed((): readonly ChatSummary[] => {
  const { favourites, others, archived } = sections.value;
  return [...favourites, ...others, ...(isArchiveOpen.value ? archived : [])];
});

/** What of it is unread, and what that asks of one. */
export interface Unread {
  readonly count: number;
  /** Messages that name one. */
  readonly mentions: number;
  /** It calls nobody: muted, or one wants to be told of nothing. */
  readonly isQuiet: boolean;
  /** Nor do the mentions. */
  readonly isSilent: boolean;
}

export const isQuiet = ({ muted_until, notify }: ChatSummary): boolean => muted_until !== null || notify === 'none';

/** Of one conversation, or of several together. */
export function unreadOf(rows: readonly ChatSummary[]): Unread {
  const unread = rows.filter((row) => row.unread > 0);
  const naming = unread.filter((row) => row.unread_mentions > 0);
  return {
    count: unread.reduce((sum, row) => sum + row.unread, 0),
    mentions: naming.reduce((sum, row) => sum + row.unread_mentions, 0),
    isQuiet: unread.every(isQuiet),
    isSilent: naming.every(({ notify }) => notify === 'none'),
  };
}
