import { effect } from '@preact/signals';
import { auth, inbox } from '../parley.js';

/** The number of unread messages on the icon of the installed app. Once a page. */
export function startBadge(): void {
  // Not in all browsers, and not without https.
  if (!('setAppBadge' in navigator)) return;
  effect(() => {
    if (auth.value.status === 'unknown') return;
    const unread = auth.value.status === 'signed_in' ? inbox.value.unread : 0;
    const done = unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge();
    // Refused where the app has no icon.
    done.catch(() => undefined);
  });
}
