import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { listed, plural } from '../format.js';
import { server } from '../parley.js';
import { install, notifications, readMotd } from './device.js';
import { installNow, isInstallOffered, wayToInstall } from './install.js';
import { missed } from './missed.js';
import { standing, turnOn } from './notifications.js';
import { isNewVersionHere, reloadToNewVersion } from './service-worker.js';

/** A line under the list, at most one at a time: that there is a newer version, what the operator says, to be told of messages, to install the app. */
export function Invitation() {
  // Always there: what readers are told of must stand in something that they know already.
  return (
    <div class="invitation" role="status">
      <Line />
    </div>
  );
}

function Line() {
  if (isNewVersionHere.value) {
    return (
      <>
        <p>A new version is here.</p>
        <Answer isMain does={reloadToNewVersion}>
          Reload
        </Answer>
      </>
    );
  }
  const motd = server.value?.motd ?? null;
  if (motd !== null && motd !== readMotd.value)
    return (
      <>
        <p class="as-written" tabIndex={0}>
          {motd}
        </p>
        <Answer does={() => readMotd.choose(motd)}>Close</Answer>
      </>
    );
  if (missed.value.length > 0 && standing.value === 'off' && notifications.value === undefined) {
    return (
      <>
        <p>{whoOf(missed.value)} wrote while you were away. Be told next time?</p>
        <Answer isMain does={turnOn}>
          Yes
        </Answer>
        <Answer does={() => notifications.choose('off')}>No</Answer>
      </>
    );
  }
  if (!isInstallOffered.value) return null;
  const way = wayToInstall.value;
  const isWanted = way === 'button';
  return (
    <>
      <p>
        {isWanted
          ? 'Install Parley? It opens in its own window, with a count on its icon.'
          : 'Parley can be installed: Share → Add to Home Screen.'}
      </p>
      {isWanted && (
        <Answer isMain does={installNow}>
          Install
        </Answer>
      )}
      <Answer does={() => install.choose('done')}>{isWanted ? 'No' : 'Close'}</Answer>
    </>
  );
}

const MOST_NAMES = 3;

const whoOf = (names: readonly string[]): ComponentChildren =>
  names.length > MOST_NAMES ? plural(names.length, 'person', 'people') : <bdi>{listed(names)}</bdi>;

interface AnswerProps {
  readonly isMain?: boolean;
  readonly does: () => Promise<void> | void;
  readonly children: string;
}

function Answer({ isMain = false, does, children }: AnswerProps) {
  const onClick = async ({ currentTarget }: TargetedMouseEvent<HTMLButtonElement>): Promise<void> => {
    const list = currentTarget.closest('[data-region]');
    await does();
    // The line goes, and the focus would go with it.
    if (!currentTarget.isConnected) list?.querySelector<HTMLElement>('a[tabindex="0"]')?.focus({ preventScroll: true });
  };
  return (
    <button type="button" class={isMain ? 'btn primary' : 'btn quiet'} onClick={(event) => void onClick(event)}>
      {children}
    </button>
  );
}
