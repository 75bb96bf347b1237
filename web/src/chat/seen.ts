import type { Chat } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';

const SEEN_AFTER_MS = 1_000;

/**
 * A message is seen whose end was in view for a second, while somebody looks at the page.
 *
 * @param lastInView the number of the last message in view; 0: none is
 * @returns to be called when the view has changed
 */
export function useSeen(chat: Chat, lastInView: () => number): () => void {
  const look = useRef(lastInView);
  look.current = lastInView;
  const seen = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const see = (): void => {
    const inView = look.current();
    if (inView <= seen.current || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      const still = Math.min(inView, look.current());
      if (!document.hasFocus() || document.visibilityState !== 'visible') return;
      if (still > seen.current) chat.seen((seen.current = still));
      see();
    }, SEEN_AFTER_MS);
  };
  useEffect(see);
  useEffect(() => {
    addEventListener('focus', see);
    document.addEventListener('visibilitychange', see);
    return () => {
      removeEventListener('focus', see);
      document.removeEventListener('visibilitychange', see);
      clearTimeout(timer.current);
    };
  }, []);
  return see;
}
