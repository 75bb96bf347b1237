import type { ComponentChildren } from 'preact';
import { wordsFor } from '../words.js';
import type { People } from './people.js';

/** Below what was found: that it is being looked for, that there is more, why it failed; or `children`, where there is nothing. */
export function Unfound({ people, children }: { people: People; children: ComponentChildren }) {
  const { error, isLoading, hasMore, retry } = people;
  if (error)
    return (
      <div class="unfound" role="alert">
        <p>Could not look for people. {wordsFor(error)}</p>
        <button type="button" class="btn quiet" onClick={retry}>
          Try again
        </button>
      </div>
    );
  if (isLoading) return <p class="unfound">Looking…</p>;
  return <div role="status">{hasMore ? <p class="unfound">There are more. Write more of the name.</p> : children}</div>;
}

export function NotFound({ what, query }: { what: string; query: string }) {
  return (
    <p class="unfound">
      No {what} found for “<bdi>{query.trim()}</bdi>”. Search matches the beginning of names.
    </p>
  );
}
