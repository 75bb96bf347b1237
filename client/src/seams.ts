import type { ParleyError } from './errors.js';
import type { Unsubscribe } from './store.js';

/*
 * What can be replaced: the storage, what tabs tell each other, the page, the connection.
 */

/** Small and atomic: one `write` is one transaction. Values are structured-cloneable; `fileStorage` wants what JSON can hold. */
export interface ParleyStorage {
  /** All whose key begins so, in the order of their keys. */
  read(prefix: string): Promise<ReadonlyMap<string, unknown>>;
  /** `undefined` deletes. Resolves once it is durable. */
  write(changes: ReadonlyMap<string, unknown>): Promise<void>;
  close?(): Promise<void>;
}

/**
 * Between the tabs of one browser that share a storage. One lock for each chat's outbox, held only while it is being sent; one for
 * each chat that a tab looks at. No leader: a leader that the browser freezes would silence every tab, and a lock that is held
 * keeps a page out of the back/forward cache.
 */
export interface Tabs {
  /**
   * Runs `work` with the lock. `if_free`: at once, with `got` false where somebody else has it.
   * @throws the signal's reason, where that aborts before the lock is there
   */
  lock<T>(
    name: string,
    options: { mode: 'exclusive' | 'shared'; if_free?: boolean; signal?: AbortSignal | undefined },
    work: (got: boolean) => Promise<T>,
  ): Promise<T>;
  /** To all other tabs; structured-cloneable. */
  tell(message: unknown): void;
  hear(listener: (message: unknown) => void): Unsubscribe;
  close?(): void;
}

/** What a page learns from its browser. */
export interface Page {
  isVisible(): boolean;
  /** The page is visible and has the focus of the keyboard. */
  hasFocus(): boolean;
  /** False: the device says that it has no network. */
  isOnline(): boolean;
  /**
   * `visible`, `hidden`, `focus`, `online`, `offline` as the words say · `leave`: it may go into the back/forward cache, or away ·
   * `return`: it comes out of it · `freeze`, `thaw`: the browser stops its timers, and lets them run.
   */
  hear(
    listener: (
      what: 'visible' | 'hidden' | 'focus' | 'online' | 'offline' | 'leave' | 'return' | 'freeze' | 'thaw',
    ) => void,
  ): Unsubscribe;
}

/** The seam below the client: packets with acknowledgements. A fault injector sits here. */
export interface Transport {
  /**
   * Resolves with the acknowledgement as the server sent it, be it `{ok: false, …}`.
   * @throws ParleyError `timeout`; `offline` where the connection closes before it
   */
  emit(event: string, payload: unknown, timeout_ms: number): Promise<unknown>;
  /** Ends it; `closed` is not called any more. */
  close(): void;
}

/** Called later, never from within the factory. */
export interface TransportEvents {
  /** The handshake went through: the socket speaks for the token's session. */
  readonly open: (transport: 'websocket' | 'polling') => void;
  readonly event: (name: string, payload: unknown) => void;
  /** It is over, or never began; once. Nothing comes after. */
  readonly closed: (reason: ParleyError) => void;
}

export type TransportFactory = (
  to: { readonly url: string; readonly token: string; readonly transports: readonly ('websocket' | 'polling')[] },
  events: TransportEvents,
) => Transport;
