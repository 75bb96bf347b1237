import { isFinderOpen } from './finder/open.js';
import { shownRows } from './list/sections.js';
import { parley } from './parley.js';
import { go, pathOf, route } from './router.js';
import { isShown } from './parts/focus.js';
import { isKeyListOpen } from './parts/key-list-open.js';

/** The parts of the page, in the order in which Ctrl F6 goes through them: `data-region`. */
const REGIONS = ['list', 'messages', 'composer', 'panel'] as const;

/** The keys that work everywhere. No single letters: they would stand in the way of those who speak to their computer. */
export function listenForKeys(): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const isMain = event.ctrlKey || event.metaKey;
    const isFinderKey = isMain && !event.altKey && event.key.toLowerCase() === 'k';
    // Under a dialog nothing changes; its own key closes it.
    const hasDialog = document.querySelector('dialog[open]') !== null;
    if (isFinderKey && (!hasDialog || isFinderOpen.peek())) isFinderOpen.value = !isFinderOpen.peek();
    else if (isMain && event.key === '/' && (!hasDialog || isKeyListOpen.peek()))
      isKeyListOpen.value = !isKeyListOpen.peek();
    else if (hasDialog) return;
    else if (event.ctrlKey && event.key === 'F6') nextRegion(event.shiftKey ? -1 : 1);
    else if (event.altKey && !isMain && (event.key === 'ArrowUp' || event.key === 'ArrowDown'))
      nextChat(event.key === 'ArrowDown' ? 1 : -1, event.shiftKey);
    else if (event.key === 'Escape' && !isMain) focusOn('composer');
    else if (isLetter(event) && document.activeElement?.closest('[role="log"]')) {
      // Whoever begins to write among the messages writes: the letter goes where the focus goes.
      focusOn('composer');
      return;
    } else return;
    event.preventDefault();
  };
  addEventListener('keydown', onKeyDown);
  return () => removeEventListener('keydown', onKeyDown);
}

const isLetter = ({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean =>
  [...key].length === 1 && key !== ' ' && !ctrlKey && !metaKey && !altKey;

function nextChat(step: 1 | -1, isUnread: boolean): void {
  const here = route.peek();
  const rows = shownRows.peek();
  const current = here.at === 'chat' ? parley.chat(here.ref).key : undefined;
  const at = rows.findIndex(({ key }) => key === current);
  const start = at < 0 && step < 0 ? rows.length : at;
  for (let i = start + step; i >= 0 && i < rows.length; i += step) {
    const row = rows[i]!;
    if (isUnread && row.unread === 0) continue;
    go(pathOf(row.ref));
    return;
  }
}

function focusOn(region: (typeof REGIONS)[number]): boolean {
  const element = document.querySelector<HTMLElement>(`[data-region="${region}"]`);
  if (!element || !isShown(element)) return false;
  const target = element.matches('textarea')
    ? element
    : (element.querySelector<HTMLElement>('[tabindex="0"]:not(pre, .table)') ??
      element.querySelector<HTMLElement>('a, button'));
  target?.focus();
  return target !== null;
}

function nextRegion(step: 1 | -1): void {
  const active = document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset['region'];
  const at = REGIONS.findIndex((region) => region === active);
  const { length } = REGIONS;
  for (let i = 1; i <= length; i++) {
    const next = (at + step * i + 2 * length) % length;
    if (focusOn(REGIONS[next]!)) return;
  }
}
