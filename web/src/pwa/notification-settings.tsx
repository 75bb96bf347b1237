import { server } from '../parley.js';
import { Setting } from '../settings/setting.js';
import { notifiedText } from './device.js';
import { installNow, wayToInstall } from './install.js';
import { standing, turnOff, turnOn } from './notifications.js';

/** The section of the settings about notifications and installing, with its heading. */
export function NotificationSettings() {
  return (
    <section>
      <h2>Notifications</h2>
      <OnThisDevice />
      {standing.value === 'on' && <Which />}
      {standing.value === 'on' && <Text />}
      <Install />
    </section>
  );
}

const NOTES = {
  on: 'While Parley is open, also in the background.',
  off: 'While Parley is open, also in the background.',
  denied: 'Your browser blocks them. Allow notifications for this site in the settings of the browser.',
  insecure: 'Needs https.',
  none: 'This browser has none. On iPhone and iPad they come with the app on your home screen.',
} as const;

function OnThisDevice() {
  const is = standing.value;
  return (
    <Setting title="Notifications on this device" note={NOTES[is]}>
      {is === 'on' && (
        <button type="button" class="btn quiet" onClick={turnOff}>
          Turn off<span class="sr"> notifications</span>
        </button>
      )}
      {is === 'off' && (
        <button type="button" class="btn quiet" onClick={() => void turnOn()}>
          Turn on<span class="sr"> notifications</span>
        </button>
      )}
    </Setting>
  );
}

/** What `attention` tells of, unless one wants it otherwise. */
function Which() {
  if (!server.value?.features.includes('chat_settings')) return null;
  return (
    <Setting
      title="Which messages"
      note="Those to you alone, and in groups those that mention you or reply to you. The menu of each conversation changes that."
    />
  );
}

function Text() {
  const isShown = notifiedText.value !== 'hidden';
  return (
    <Setting
      title="Text of the message"
      note={isShown ? 'Notifications say who wrote, and what.' : 'Notifications say only who wrote.'}
    >
      <button type="button" class="btn quiet" onClick={() => notifiedText.choose(isShown ? 'hidden' : 'shown')}>
        {isShown ? 'Hide' : 'Show'}
        <span class="sr"> the text of messages</span>
      </button>
    </Setting>
  );
}

function Install() {
  const way = wayToInstall.value;
  if (way === undefined) return null;
  if (way === 'by_hand') return <Setting title="Install Parley" note="Share → Add to Home Screen." />;
  return (
    <Setting title="Install Parley" note="Opens in its own window, with a count on its icon.">
      <button type="button" class="btn quiet" onClick={() => void installNow()}>
        Install
      </button>
    </Setting>
  );
}
