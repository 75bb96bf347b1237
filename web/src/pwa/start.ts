import { effect } from '@preact/signals';
import { auth } from '../parley.js';
import { startBadge } from './badge.js';
import { countToday } from './install.js';
import { watchWhatIsMissed } from './missed.js';
import { startNotifications } from './notifications.js';
import { canHaveWorker, startServiceWorker } from './service-worker.js';

/** What makes an app of the page. After the page has been loaded: nothing of it is needed to read and write. */
export function startPwa(): void {
  startNotifications();
  startBadge();
  watchWhatIsMissed();
  effect(countIfUsed);
  document.addEventListener('visibilitychange', countIfUsed);
  // Refused where the browser does not trust the certificate, say. The app does without: it does not open offline then.
  if (canHaveWorker) startServiceWorker().catch(() => undefined);
}

function countIfUsed(): void {
  if (auth.value.status === 'signed_in' && document.visibilityState === 'visible') countToday();
}
