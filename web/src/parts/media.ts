import { signal, type ReadonlySignal } from '@preact/signals';

function follow(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener('change', (event) => (matches.value = event.matches));
  return matches;
}

/** There is room for the members beside a conversation. */
export const isWide = follow('(min-width: 1280px)');
/** One pane at a time. */
export const isPhone = follow('(max-width: 719px)');
/** Fingers, which have no Shift: Enter makes a new line. */
export const isTouch = follow('(pointer: coarse)');
