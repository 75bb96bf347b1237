import type { Page } from '../seams.js';

type Happening = Parameters<Parameters<Page['hear']>[0]>[0];

/** What a page learns from its browser, as the test says it. */
export interface FakePage extends Page {
  /** It happens: the page hears of it, and is so from now on. */
  happens(what: Happening): void;
}

/** A page that is visible, has the focus, and whose device has a network. */
export function fakePage(): FakePage {
  const listeners = new Set<(what: Happening) => void>();
  const is = { visible: true, focused: true, online: true };
  const becomes: Partial<Record<Happening, Partial<typeof is>>> = {
    visible: { visible: true },
    hidden: { visible: false, focused: false },
    focus: { visible: true, focused: true },
    online: { online: true },
    offline: { online: false },
    leave: { visible: false, focused: false },
    return: { visible: true, focused: true },
  };
  return {
    isVisible: () => is.visible,
    hasFocus: () => is.focused,
    isOnline: () => is.online,
    hear: (listener) => {
      const own = (what: Happening): void => listener(what);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    happens: (what) => {
      Object.assign(is, becomes[what]);
      for (const listener of listeners) listener(what);
    },
  };
}
