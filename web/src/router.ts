import { computed, signal } from '@preact/signals';
import type { ChatRef } from 'parley-client';
import { parse, type Route } from './routes.js';

/*
 * Where one is: the History API alone. The app may be served below a path, which it learns from where its own files are.
 */

// Not written in one: Vite would take it for the address of a file that it should copy.
const here = import.meta.url;
/** Ends in a slash: `/`, `/chat/`. */
export const BASE = import.meta.env.DEV ? '/' : new URL('../', here).pathname;

export { parse, type Route };

const read = (): Route => {
  // Some proxies pass on the address of the whole app without its slash.
  if (`${location.pathname}/` === BASE) return { at: 'list' };
  const { pathname, search } = location;
  return pathname.startsWith(BASE)
    ? parse(pathname.slice(BASE.length), new URLSearchParams(search))
    : { at: 'nothing' };
};

const current = signal<Route>(read());
export const route = computed(() => current.value);
const hash = signal(location.hash);
/** What stands behind the #, which no server sees: links in mails, and those that are handed on, say more there. */
export const fragment = computed(() => new URLSearchParams(hash.value.slice(1)));

function look(): void {
  current.value = read();
  hash.value = location.hash;
}

export function pathOf(ref: ChatRef): string {
  const path = ref.type === 'room' ? `with/${ref.user_id}` : ref.type === 'group' ? `group/${ref.group_id}` : 'helper';
  return BASE + path;
}

/** An address of the app, with what stands below the base: `to('settings')`. */
export const to = (path: string): string => BASE + path;

/** @param path as `to` and `pathOf` give it */
export function go(path: string, options: { readonly replace?: boolean } = {}): void {
  if (path === location.pathname + location.search) return;
  if (options.replace) history.replaceState(history.state, '', path);
  else history.pushState({ inApp: true }, '', path);
  look();
}

/** One step back where that stays in the app; else to what lies above this. */
export function back(above = to('')): void {
  if ((history.state as { inApp?: boolean } | null)?.inApp) history.back();
  else go(above, { replace: true });
}

/** From now on links to the app's own addresses open in place. */
export function listenForRoutes(): void {
  // Also where a link to the page that is open differs behind the # alone.
  addEventListener('popstate', look);
  document.addEventListener('click', (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.hasAttribute('download') || link.target === '_blank' || link.origin !== location.origin) return;
    if (!link.pathname.startsWith(BASE)) return;
    const target = parse(link.pathname.slice(BASE.length), new URLSearchParams(link.search));
    if (target.at === 'nothing') return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
}
