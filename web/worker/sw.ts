/*
 * The service worker: the app opens without a network, and its parts of one version stay together. It keeps the built files and nothing
 * else; what the API answers never passes through it. web/vite-service-worker.ts builds it into dist/sw.js.
 */
import { parse } from '../src/routes.js';
import type { FromPage, Opens } from '../src/pwa/worker-messages.js';

declare const self: ServiceWorkerGlobalScope;
/** The files of this build, below the scope: `index.html`, `assets/index-1a2b.js`. */
declare const SHELL: readonly string[];
/** Another one for each build. */
declare const VERSION: string;

/** Where the app is served, as the browser sees it: `https://example.com/chat/`. */
const { scope } = self.registration;
/** One origin may have several apps below its paths, and they share the caches. */
const OURS = `parley ${scope} `;
const CACHE = OURS + VERSION;
const INDEX = 'index.html';
/** After this, the page is opened from the cache; the app itself waits for the server more patiently. */
const NETWORK_WITHIN_MS = 3_000;
/** A proxy says so while the server restarts. */
const AWAY = new Set([502, 503, 504]);

const addressOf = (path: string): string => new URL(path, scope).href;
const addresses = new Set(SHELL.map(addressOf));

self.addEventListener('install', (event) => {
  // One that is missing fails it all, and the browser tries again later: while several servers are updated, some have the old files.
  event.waitUntil(
    caches.open(CACHE).then((cache) =>
      // Names with a hash may come from the browser's own cache, where the page that is open has just put them.
      cache.addAll(
        [...addresses].map((url) => new Request(url, url === addressOf(INDEX) ? { cache: 'no-cache' } : {})),
      ),
    ),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      const others = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
      await Promise.all(others.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(scope)) return;
  const { href, pathname, searchParams } = new URL(request.url);
  if (addresses.has(href)) event.respondWith(file(request));
  else if (request.mode === 'navigate') {
    const path = pathname.slice(new URL(scope).pathname.length);
    if (parse(path, searchParams).at !== 'nothing') event.respondWith(page(request));
  }
});

/** What a server adds to `Vary` is about requests that differ, not about files whose names say what is in them. */
const cached = async (url: string): Promise<Response | undefined> =>
  (await caches.open(CACHE)).match(url, { ignoreVary: true });

const file = async (request: Request): Promise<Response> => (await cached(request.url)) ?? fetch(request);

/** The server's, which may be newer; the one that is kept where that is slow or away. */
async function page(request: Request): Promise<Response> {
  const network = fetch(request).catch(() => undefined);
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), NETWORK_WITHIN_MS));
  const answer = await Promise.race([network, late]);
  if (answer && !AWAY.has(answer.status)) return answer;
  return (await cached(addressOf(INDEX))) ?? (await network) ?? Response.error();
}

self.addEventListener('message', (event) => {
  const message = event.data as FromPage;
  switch (message.about) {
    case 'version':
      // A page that came from the network while the worker before this one was active may have these very files.
      event.ports[0]?.postMessage(message.files.every((url) => addresses.has(url)));
      return;
    case 'activate':
      event.waitUntil(self.skipWaiting());
  }
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { path } = event.notification.data as { path: string };
  event.waitUntil(openChat(path));
});

/** In a tab that is open, best the one that somebody looks at; else in a new one. */
async function openChat(path: string): Promise<void> {
  const tabs = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const ours = tabs.filter(({ url }) => url.startsWith(scope));
  const tab =
    ours.find(({ focused }) => focused) ?? ours.find(({ visibilityState }) => visibilityState === 'visible') ?? ours[0];
  if (!tab) {
    await self.clients.openWindow(path);
    return;
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a tab of this origin, not a window of any
  tab.postMessage({ about: 'open', path } satisfies Opens);
  await tab.focus();
}
