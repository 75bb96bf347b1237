import type { Group } from 'parley-client';
import { plural } from '../format.js';
import { useDeed } from '../parts/deed.js';
import { useStore } from '../parts/store.js';
import { Unsent } from './unsent.js';
import { ErrorLine } from '../parts/error-line.js';

/** A group that one is not a member of: how to become one. */
export function Closed({ group }: { group: Group }) {
  const info = useStore(group.info);
  const { isBusy, error, run } = useDeed();
  const now = info.value;
  if (!now) return null;
  // An open group is closed to those alone who were removed from it.
  const title = now.is_private ? 'This group is private.' : 'You were removed from this group.';
  const ask = (
    <p class="do">
      <button
        type="button"
        class="btn primary big"
        disabled={isBusy.value}
        onClick={() => run(() => group.askToJoin())}
      >
        Ask to join
      </button>
    </p>
  );
  return (
    <div class="still">
      <div>
        {now.standing === 'open' ? (
          <>
            <h2>This group is open.</h2>
            <p>
              {now.member_count === null
                ? 'Anybody can join.'
                : `${plural(now.member_count, 'member')}. Anybody can join.`}
            </p>
            <p class="do">
              <button
                type="button"
                class="btn primary big"
                disabled={isBusy.value}
                onClick={() => run(() => group.join())}
              >
                Join
              </button>
            </p>
          </>
        ) : now.standing === 'asked' ? (
          <>
            <h2>{title}</h2>
            <p role="status">You have asked to join. The answer appears here.</p>
          </>
        ) : now.standing === 'refused' ? (
          <>
            <h2>{title}</h2>
            <p role="status">Not this time. You may ask again tomorrow.</p>
          </>
        ) : (
          <>
            <h2>{title}</h2>
            <p>
              Its owner decides {now.is_private ? 'who can join' : 'whether you can come back'}. Ask, and the answer
              appears here.
            </p>
            {ask}
          </>
        )}
        <ErrorLine>{error.value}</ErrorLine>
        <Unsent chat={group} withMessages />
      </div>
    </div>
  );
}
