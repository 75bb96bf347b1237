import { effect, signal } from '@preact/signals';
import { connection } from '../parley.js';
import { go, to } from '../router.js';
import type { FromPage, Opens } from './worker-messages.js';

/** The server has a newer build than this page. */
export const isNewVersionHere = signal(false);

export const canHaveWorker = isSecureContext && 'serviceWorker' in navigator && import.meta.env.PROD;

const SCRIPT = to('sw.js');
const HOUR_MS = 3_600_000;
/** A server that comes back may be a newer one. Not all who were cut off ask in the same moment. */
const ASK_WITHIN_MS = 10_000;
/** A worker answers at once, unless it is ending. */
const ANSWER_WITHIN_MS = 5_000;

/** Of browsers that let no page run scripts from any address: this is the only one. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: () => string }): { createScriptURL(input: string): string };
}

/** Only where `canHaveWorker`, and after what the page itself needs was loaded: the worker fetches the whole app. */
export async function startServiceWorker(): Promise<void> {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('parley-sw', { createScriptURL: () => SCRIPT });
  const registration = await navigator.serviceWorker.register(policy?.createScriptURL(SCRIPT) ?? SCRIPT);
  navigator.serviceWorker.addEventListener('message', ({ data }) => {
    if ((data as Opens).about === 'open') go((data as Opens).path);
  });
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // Another tab has let it begin.
    if (navigator.serviceWorker.controller) void compare(navigator.serviceWorker.controller);
  });
  const onInstalling = (): void => {
    registration.installing?.addEventListener('statechange', () => {
      if (registration.waiting) void compare(registration.waiting);
    });
  };
  registration.addEventListener('updatefound', onInstalling);
  onInstalling();
  if (registration.waiting) void compare(registration.waiting);
  askForUpdates(registration);
}

/** Of a page that was open before the worker came, that is an older page; one that came after it lets it begin. */
async function compare(worker: ServiceWorker): Promise<void> {
  const files = [
    ...document.querySelectorAll<HTMLScriptElement | HTMLLinkElement>('script[src], link[rel=stylesheet]'),
  ];
  const isOurs = await ask(worker, {
    about: 'version',
    files: files.map((file) => ('src' in file ? file.src : file.href)),
  });
  if (isOurs === false) isNewVersionHere.value = true;
  else if (isOurs && worker.state === 'installed') tell(worker, { about: 'activate' });
}

const tell = (worker: ServiceWorker, message: FromPage, ports: MessagePort[] = []): void =>
  worker.postMessage(message, ports);

function ask(worker: ServiceWorker, message: FromPage): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', ({ data }) => resolve(data as boolean));
    port1.start();
    setTimeout(() => resolve(undefined), ANSWER_WITHIN_MS);
    tell(worker, message, [port2]);
  });
}

/** Browsers look for a newer worker only when a page is opened, and this one stays open for days. */
function askForUpdates(registration: ServiceWorkerRegistration): void {
  let askedAt = Date.now();
  const askNow = (): void => {
    askedAt = Date.now();
    // Without a network there is nothing to hear of.
    registration.update().catch(() => undefined);
  };
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && Date.now() - askedAt > HOUR_MS) askNow();
  });
  let wasOnline = false;
  let isLost = false;
  effect(() => {
    const isOnline = connection.value.state === 'online';
    if (isOnline && isLost) setTimeout(askNow, Math.random() * ASK_WITHIN_MS);
    isLost = !isOnline && (isLost || wasOnline);
    wasOnline = isOnline;
  });
}

/** The newer build, with all that was being written: drafts and what waits are kept on the device. */
export async function reloadToNewVersion(): Promise<void> {
  const waiting = (await navigator.serviceWorker.getRegistration())?.waiting;
  const reload = (): void => location.reload();
  if (!waiting) return reload();
  navigator.serviceWorker.addEventListener('controllerchange', reload, { once: true });
  setTimeout(reload, ANSWER_WITHIN_MS);
  tell(waiting, { about: 'activate' });
}
