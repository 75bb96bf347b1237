/* oxlint-disable unicorn/prefer-add-event-listener, unicorn/require-post-message-target-origin -- a channel of our own, not a window */
import { browserPage } from './page.js';
import { callAll, onAbort } from './store.js';
import type { Page, Tabs } from './seams.js';

/** For the only one there is: its locks hold between those who share this object, and nobody is told. Granted in turn, as by Web Locks. */
export function soleTab(): Tabs {
  interface Turn {
    isShared: boolean;
    begin?: () => void;
  }
  /** Who has each lock, and behind them who waits for it. */
  const lines = new Map<string, Turn[]>();
  const advance = (line: Turn[]): void => {
    for (const [at, turn] of line.entries()) {
      if (at > 0 && !(turn.isShared && line[0]!.isShared)) return;
      turn.begin?.();
    }
  };
  return {
    async lock(name, { mode, if_free, signal }, work) {
      signal?.throwIfAborted();
      const turn: Turn = { isShared: mode === 'shared' };
      const line = lines.get(name) ?? [];
      if (if_free && line.some(({ isShared }) => !isShared || !turn.isShared)) return work(false);
      lines.set(name, line);
      line.push(turn);
      let endAbort: (() => void) | undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          turn.begin = resolve;
          endAbort = onAbort(signal, () => reject(signal!.reason as Error));
          advance(line);
        });
        return await work(true);
      } finally {
        endAbort?.();
        line.splice(line.indexOf(turn), 1);
        if (line.length > 0) advance(line);
        else lines.delete(name);
      }
    },
    tell() {},
    hear: () => () => {},
  };
}

/**
 * The tabs of this browser that name the same. Where the page is not secure (plain http) or the browser denies them, there are no Web
 * Locks: then a lock holds within this tab alone, and no tab waits for another. Where there is no BroadcastChannel, nobody is told.
 *
 * A lock that is held keeps a page out of the back/forward cache: end `work` on `leave`. The channel is closed on `leave`, which some
 * browsers ask for, and opened on `return`; what others told in between is lost, so read anew then what they may have changed.
 * @param page `null`: there is none, as in a worker
 */
export function browserTabs(name: string, page: Page | null = browserPage()): Tabs {
  const alone = soleTab();
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  const listeners = new Set<(message: unknown) => void>();
  let channel: BroadcastChannel | undefined;
  let unhear: (() => void) | undefined;

  const connect = (): BroadcastChannel | undefined => {
    try {
      return new BroadcastChannel(name);
    } catch {
      return undefined;
    }
  };
  const open = (): void => {
    if (!(channel ??= connect())) return;
    channel.onmessage = ({ data }) => {
      callAll(listeners, (listener) => listener(data));
    };
  };
  const shut = (): void => {
    channel?.close();
    channel = undefined;
  };
  const close = (): void => {
    listeners.clear();
    unhear?.();
    unhear = undefined;
    shut();
  };

  return {
    async lock(lock, options, work) {
      if (!locks) return alone.lock(lock, options, work);
      const { mode, if_free, signal } = options;
      let isBegun = false;
      try {
        signal?.throwIfAborted();
        // It refuses the two together.
        const how = if_free ? { mode, ifAvailable: true } : { mode, ...(signal && { signal }) };
        return await locks.request(`${name}:${lock}`, how, (got) => {
          isBegun = true;
          return work(got !== null);
        });
      } catch (error) {
        if (isBegun || (error as Error).name !== 'SecurityError') throw error;
        return alone.lock(lock, options, work);
      }
    },
    // Also while the page goes away: to say so.
    tell(message) {
      const to = channel ?? connect();
      to?.postMessage(message);
      if (to !== channel) to?.close();
    },
    hear(listener) {
      listeners.add(listener);
      open();
      unhear ??= page?.hear((what) => {
        if (what === 'leave') shut();
        if (what === 'return') open();
      });
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) close();
      };
    },
    close,
  };
}
