import { computed, effect, signal } from '@preact/signals';
import type { Events } from 'parley-client';
import { auth, inbox, parley } from '../parley.js';
import { go, pathOf, to } from '../router.js';
import { notifications, notifiedText } from './device.js';
import { canHaveWorker } from './service-worker.js';

/** Safari has none on iPhones before the app is on their home screen. */
const has = 'Notification' in globalThis;

const permission = signal(has ? Notification.permission : 'denied');

/** insecure: needs https · none: this browser has none · denied: in its settings for this site. */
export const standing = computed<'insecure' | 'none' | 'denied' | 'off' | 'on'>(() => {
  if (!isSecureContext) return 'insecure';
  if (!has) return 'none';
  if (permission.value === 'denied') return 'denied';
  return permission.value === 'granted' && notifications.value === 'on' ? 'on' : 'off';
});

/** Call it in the handler of a click: the browser asks for one. */
export async function turnOn(): Promise<void> {
  permission.value = await Notification.requestPermission();
  if (permission.value === 'granted') notifications.choose('on');
}

export const turnOff = (): void => notifications.choose('off');

/** Once a page. */
export function startNotifications(): void {
  if (!isSecureContext || !has) return;
  followPermission();
  // Only one of the tabs that listen is told: one that has not heard yet that notifications are wanted must not be that one.
  effect(() => {
    if (standing.value !== 'on') return undefined;
    // A phone's browser may refuse those that come from no service worker. There is nothing better to show then.
    return parley.on('attention', (event) => void show(event).catch(() => undefined));
  });
  closeWhatIsRead();
}

/** It can be changed in the settings of the browser at any time. */
function followPermission(): void {
  const take = (): void => void (permission.value = Notification.permission);
  navigator.permissions?.query({ name: 'notifications' }).then(
    (status) => status.addEventListener('change', take),
    // A browser that does not tell: it is read when the page is opened.
    () => undefined,
  );
}

const worker = async (): Promise<ServiceWorkerRegistration | undefined> => {
  const registration = canHaveWorker ? await navigator.serviceWorker.getRegistration() : undefined;
  return registration?.active ? registration : undefined;
};

/** Those that this page has shown by `new Notification`, by their tags. */
const shown = new Map<string, Notification>();

async function show({ chat, title, message }: Events['attention']): Promise<void> {
  const path = pathOf(chat.ref);
  // With it comes what reads markup, which the doors do without.
  const { oneLine } = await import('../text/one-line.js');
  const options = {
    body: notifiedText.peek() === 'hidden' ? 'New message' : oneLine(message.message),
    // One for each conversation, that of its newest message; each is heard.
    tag: chat.key,
    renotify: true,
    icon: to('icons/192.png'),
    timestamp: Date.parse(message.timestamp),
    data: { path },
  };
  const registration = await worker();
  if (registration) return registration.showNotification(title, options);
  const notification = new Notification(title, options);
  shown.set(chat.key, notification);
  notification.addEventListener('click', () => {
    notification.close();
    window.focus();
    go(path);
  });
  return undefined;
}

/** What was read here or on another device is no news; nor is anything for whoever is logged out. */
function closeWhatIsRead(): void {
  let unread = new Set<string>();
  effect(() => {
    const isIn = auth.value.status === 'signed_in';
    const now = new Set(inbox.value.rows.filter((row) => row.unread > 0).map(({ key }) => key));
    const read = [...unread].filter((key) => !isIn || !now.has(key));
    unread = now;
    if (read.length > 0) void close(new Set(read));
  });
}

async function close(tags: ReadonlySet<string>): Promise<void> {
  const all = [...((await (await worker())?.getNotifications()) ?? []), ...shown.values()];
  for (const notification of all) {
    if (!tags.has(notification.tag)) continue;
    notification.close();
    shown.delete(notification.tag);
  }
}
