import { computed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isFinderOpen } from '../finder/open.js';
import { usePeople } from '../finder/people.js';
import { isMakingGroup } from '../panel/making.js';
import { copy } from '../parts/copy.js';
import { Copy, Link, Members, Spark } from '../parts/icons.js';
import { inbox, me, server } from '../parley.js';
import { to } from '../router.js';

/** There is no conversation but the one with the helper, which everybody has. */
export const hasNobody = computed(() => inbox.value.loaded && inbox.value.rows.every(({ ref }) => ref.type === 'bot'));

/** No conversations: what one can do about it. */
export function Empty() {
  const { rows, hasMore, isLoading, error, retry } = usePeople('', true);
  useEffect(() => {
    // Who comes back from sending the invitation: somebody may have followed it, of which nothing tells.
    addEventListener('focus', retry);
    return () => removeEventListener('focus', retry);
  }, []);
  if (isLoading) return null;
  const count = rows.length;
  const isAlone = count === 0 && !error;
  const name = me.value?.first_name;
  return (
    <div class="still">
      <div>
        <h2>{isAlone ? `It is quiet here, ${name}.` : 'No messages yet.'}</h2>
        {isAlone ? (
          <p>
            You are the first person on this server. A conversation needs two: bring somebody in, or try the helper, who
            is always awake.
          </p>
        ) : (
          count > 0 && (
            <p>
              {count === 1 ? 'One other person is here.' : `${hasMore ? 'More than ' : ''}${count} people are here.`}
            </p>
          )
        )}
        <div class="ways">
          {!isAlone && (
            <button type="button" class="way" onClick={() => (isFinderOpen.value = true)}>
              <Members />
              <div>
                <b>Find someone</b>
                <small>People and groups, by how their names begin.</small>
              </div>
            </button>
          )}
          <Invite />
          {server.value?.bot && (
            <a class="way" href={to('helper')}>
              <Spark />
              <div>
                <b>Ask the helper</b>
                <small>It answers at once, and nobody else sees it.</small>
              </div>
            </a>
          )}
          <button type="button" class="way" onClick={() => (isMakingGroup.value = true)}>
            <Members />
            <div>
              <b>Make a group</b>
              <small>Open to all, or by your leave only.</small>
            </div>
          </button>
        </div>
        {isAlone && server.value?.dev_mail && (
          <p class="fine">
            <code>npm run demo</code> brings two people and a group.
          </p>
        )}
      </div>
    </div>
  );
}

function Invite() {
  const isCopied = useSignal(false);
  const address = server.value?.public_url ?? location.origin + to('').replace(/\/$/, '');
  const onClick = (): void => {
    void copy(address).then((done) => (isCopied.value = done));
  };
  return (
    <div class="way">
      <Link />
      <div>
        <b>Invite someone</b>
        <small>
          Send them this address: <code>{address.replace(/^https?:\/\//, '')}</code>
        </small>
      </div>
      <button type="button" class="btn quiet" onClick={onClick}>
        <Copy />
        <span aria-live="polite">{isCopied.value ? 'Copied' : 'Copy link'}</span>
      </button>
    </div>
  );
}
