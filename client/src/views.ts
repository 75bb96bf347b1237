import type { BaseChat } from './chat.js';
import { aborted } from './promises.js';
import { onAbort, type Unsubscribe, type Until } from './store.js';
import type { Attached } from './types.js';

interface View {
  isLooking: boolean;
}

/** Who has a chat open here, and whether somebody looks at it, in this tab or another. */
export class Views {
  private readonly views = new Set<View>();
  private isOpened = false;
  /** Somebody looks in this tab. */
  private endLook: (() => void) | undefined;

  constructor(private readonly chat: BaseChat) {}

  get isAttached(): boolean {
    return this.views.size > 0;
  }

  get isLooking(): boolean {
    return this.chat.core.isVisible && [...this.views].some((view) => view.isLooking);
  }

  attach(options?: Until): Attached {
    const { chat } = this;
    const view: View = { isLooking: true };
    this.views.add(view);
    if (!this.isOpened) {
      this.isOpened = true;
      chat.opened();
    }
    this.looked();
    const ready = chat.loaded.whenReady();
    let isDetached = false;
    let endAbort: Unsubscribe | undefined;
    const detach = (): void => {
      if (isDetached) return;
      isDetached = true;
      endAbort?.();
      this.views.delete(view);
      // A view that is replaced within a turn, as in React's double mount, is none that went.
      queueMicrotask(() => {
        this.looked();
        if (this.isAttached) return;
        this.isOpened = false;
        chat.closed();
      });
    };
    endAbort = onAbort(options?.signal, detach);
    return {
      ready,
      look: (isLooking) => {
        if (isDetached) return;
        view.isLooking = isLooking;
        this.looked();
      },
      detach,
      [Symbol.dispose]: detach,
    };
  }

  /** Somebody looks, or nobody does any more: by a view, or by the page. */
  looked(): void {
    const { chat, isLooking } = this;
    if (isLooking === (this.endLook !== undefined)) return;
    if (!isLooking) {
      this.forget();
      return chat.away();
    }
    const stop = new AbortController();
    this.endLook = () => stop.abort();
    // Other tabs ask for this lock to know whether somebody looks: it is not free for them, also while this one waits for it.
    const held = chat.core.tabs.lock(this.lookLock, { mode: 'exclusive', signal: stop.signal }, () =>
      aborted(stop.signal),
    );
    held.catch((error: unknown) => {
      if (!stop.signal.aborted) chat.core.failed(error);
    });
    chat.looks();
  }

  /** Whether some tab looks. */
  async isLookedAt(): Promise<boolean> {
    if (this.endLook) return true;
    // Shared by all who ask: of two who ask at once, the second would take the first for somebody who looks.
    return this.chat.core.tabs.lock(this.lookLock, { mode: 'shared', if_free: true }, async (got) => !got);
  }

  /** Gives the lock back. */
  forget(): void {
    this.endLook?.();
    this.endLook = undefined;
  }

  private get lookLock(): string {
    const { core, key } = this.chat;
    return `parley:${core.userId}:look:${key}`;
  }
}
