import { type AccessRequest, type Group, ParleyError } from 'parley-client';
import { useRef } from 'preact/hooks';
import { fullName } from '../format.js';
import { useDeed } from '../parts/deed.js';
import { useStore } from '../parts/store.js';
import { ErrorLine } from '../parts/error-line.js';

/** Who asks to join: on top of the members, for the owner alone. */
export function Requests({ group }: { group: Group }) {
  const requests = useStore(group.requests);
  const element = useRef<HTMLDivElement>(null);
  // The next request takes the focus of one that was answered; after the last one the panel's heading would only be read again.
  const onAnswered = (): void => {
    requestAnimationFrame(() => {
      const panel = element.current?.closest('.side');
      (element.current?.querySelector<HTMLElement>('.btn') ?? panel?.querySelector<HTMLElement>('.icon'))?.focus();
    });
  };
  return (
    <div
      class="asks-to-join"
      ref={element}
      {...(requests.value.length > 0 && { role: 'region', 'aria-label': 'Requests' })}
    >
      {requests.value.map((request) => (
        <Request key={request.user.id} group={group} request={request} onAnswered={onAnswered} />
      ))}
    </div>
  );
}

interface RequestProps {
  readonly group: Group;
  readonly request: AccessRequest;
  readonly onAnswered: () => void;
}

function Request({ group, request: { user }, onAnswered }: RequestProps) {
  const { isBusy, error, run } = useDeed(onAnswered, ({ code }) =>
    code === 'quota_exceeded' ? `${user.first_name} is in as many groups as anybody may be.` : undefined,
  );
  const answer = (isLetIn: boolean): void =>
    run(() =>
      group.answer(user.id, isLetIn).catch((thrown: unknown) => {
        // Answered on another device, or taken back: the list says so by itself.
        if (!ParleyError.is(thrown, 'not_found')) throw thrown;
      }),
    );
  return (
    <div class="ask">
      <p>
        <b>
          <bdi>{fullName(user)}</bdi>
        </b>{' '}
        asks to join.
      </p>
      <div class="acts">
        <button type="button" class="btn primary" disabled={isBusy.value} onClick={() => answer(true)}>
          Accept
          <span class="sr"> {fullName(user)}</span>
        </button>
        <button type="button" class="btn quiet" disabled={isBusy.value} onClick={() => answer(false)}>
          Decline
          <span class="sr"> {fullName(user)}</span>
        </button>
      </div>
      <ErrorLine>{error.value}</ErrorLine>
    </div>
  );
}
