import type { Page } from './seams.js';

/** The page that this runs in; null where there is none, as in Node or a worker. Listens to nothing until somebody hears. */
export function browserPage(): Page | null {
  if (typeof document === 'undefined') return null;
  const isVisible = (): boolean => document.visibilityState === 'visible';
  return {
    isVisible,
    hasFocus: () => isVisible() && document.hasFocus(),
    isOnline: () => globalThis.navigator?.onLine ?? true,
    hear: (listener) => {
      const end = new AbortController();
      const { signal } = end;
      type What = Parameters<typeof listener>[0];
      const on = (target: EventTarget, event: string, what = event as What): void =>
        target.addEventListener(event, () => listener(what), { signal });
      on(document, 'freeze');
      on(document, 'resume', 'thaw');
      on(window, 'focus');
      on(window, 'online');
      on(window, 'offline');
      on(window, 'pagehide', 'leave');
      document.addEventListener('visibilitychange', () => listener(isVisible() ? 'visible' : 'hidden'), { signal });
      window.addEventListener('pageshow', ({ persisted }) => persisted && listener('return'), { signal });
      return () => end.abort();
    },
  };
}
