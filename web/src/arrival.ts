import { useEffect, useRef } from 'preact/hooks';
import { giveFocus, isShown } from './parts/focus.js';
import { route } from './router.js';

/**
 * Takes the focus along to the page to which one comes, where what had it is gone or out of sight: back in the list to the way that one
 * went, elsewhere to the heading. No keyboard of a phone opens for it.
 */
export function useArrival(): void {
  void route.value;
  const path = location.pathname;
  const before = useRef(path);
  useEffect(() => {
    const from = before.current;
    before.current = path;
    const { activeElement, body } = document;
    if (from === path || (activeElement && activeElement !== body && isShown(activeElement))) return;
    const main = [...document.querySelectorAll('main, [role="main"]')].find(isShown);
    const heading = main?.querySelector('h1');
    if (heading) heading.tabIndex = -1;
    giveFocus(main?.querySelector<HTMLElement>(`a[href="${from}"]`) ?? heading);
  }, [path]);
}
