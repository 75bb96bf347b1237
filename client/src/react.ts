import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import type { ParleyClient } from './client.js';
import type { Store } from './store.js';
import type { Attached, Chat } from './types.js';

/*
 * For React 18 and 19, and for Preact by the alias of `react` to `preact/compat`. The client is made outside of components, and outlives
 * them: nothing here connects, signs in or closes.
 */

const Context = createContext<ParleyClient | undefined>(undefined);

/** Everything below it finds this client by `useParley`. */
export function ParleyProvider(props: { readonly client: ParleyClient; readonly children?: ReactNode }): ReactElement {
  return createElement(Context.Provider, { value: props.client }, props.children);
}

/** The client of the nearest `ParleyProvider`. @throws Error where there is none */
export function useParley(): ParleyClient {
  const client = useContext(Context);
  if (!client) throw new Error('useParley() needs a <ParleyProvider client={…}> above it.');
  return client;
}

const itself = <T>(value: T): T => value;

/**
 * What the store holds, or what `select` makes of it; the component renders again when that changes. `select` may be written in place: it
 * runs with each render and each change, and only a result that differs (`Object.is`, or by `same`) renders again. One that makes a new
 * object each time wants a `same`, or it renders with each change of the store.
 *
 *     const unread = useStore(parley.inbox, (inbox) => inbox.unread);
 */
export function useStore<T>(store: Store<T>): T;
export function useStore<T, S>(store: Store<T>, select: (value: T) => S, same?: (a: S, b: S) => boolean): S;
export function useStore<T, S>(
  store: Store<T>,
  select: (value: T) => S = itself as (value: T) => S,
  same: (a: S, b: S) => boolean = Object.is,
): S {
  /** As it was shown last. */
  const shown = useRef<{ readonly result: S } | undefined>(undefined);
  const get = useMemo(() => {
    let made: { readonly of: T; readonly result: S } | undefined;
    return (): S => {
      const of = store.get();
      if (made && Object.is(made.of, of)) return made.result;
      const result = select(of);
      const old = made ?? shown.current;
      made = { of, result: old && same(old.result, result) ? old.result : result };
      return made.result;
    };
  }, [store, select, same]);
  // oxlint-disable-next-line typescript/unbound-method -- a store's functions may be passed about
  const result = useSyncExternalStore(store.listen, get, get);
  useEffect(() => {
    shown.current = { result };
  }, [result]);
  return result;
}

/**
 * Attaches the chat while the component is mounted: its timeline is loaded and kept true. Undefined before that, and where there is no
 * chat. The attachment is let go a moment after the component: so a chat that is shown in another place in its stead, or mounted twice
 * by `StrictMode`, stays attached, and nothing is asked for again.
 */
export function useAttached(chat: Chat | undefined): Attached | undefined {
  const [current, setCurrent] = useState<{ readonly chat: Chat; readonly attached: Attached }>();
  useEffect(() => {
    if (!chat) return undefined;
    const attached = chat.attach();
    setCurrent({ chat, attached });
    return () => queueMicrotask(() => attached.detach());
  }, [chat]);
  return current?.chat === chat ? current?.attached : undefined;
}
