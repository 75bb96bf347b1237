import { useSignal } from '@preact/signals';
import { Back } from '../parts/icons.js';
import { me } from '../parley.js';
import { NotificationSettings } from '../pwa/notification-settings.js';
import { back } from '../router.js';
import { Account } from './account.js';
import { Blocked } from './blocked.js';
import { Devices } from './devices.js';
import { YourData } from './export.js';
import { You } from './you.js';

export function Settings() {
  // A new password ends sessions: then the devices are others.
  const devices = useSignal(0);
  const who = me.value;
  if (!who) return null;
  return (
    <main class="talk">
      <header class="talk-top">
        <button type="button" class="icon only-phone" aria-label="Back to conversations" onClick={() => back()}>
          <Back />
        </button>
        <div class="what">
          <h1>Settings</h1>
          <p>{who.email}</p>
        </div>
      </header>
      <div class="sheet">
        <You me={who} onPassword={() => devices.value++} />
        <NotificationSettings />
        <Devices version={devices.value} />
        <Blocked />
        <YourData me={who} />
        <Account />
      </div>
    </main>
  );
}
