/** What was pressed last. Safari gives a button no focus for a click. */
let pressed: HTMLElement | undefined;
document.addEventListener(
  'click',
  ({ target }) => (pressed = (target as Element).closest<HTMLElement>('a, button') ?? undefined),
  { capture: true },
);

/** What opened that which opens now: it gets the focus back. */
export function openerNow(): HTMLElement | undefined {
  const { activeElement, body } = document;
  return activeElement instanceof HTMLElement && activeElement !== body ? activeElement : pressed;
}

/** Neither taken away nor covered by another page. */
export const isShown = (element: Element): boolean =>
  element.getClientRects().length > 0 && getComputedStyle(element).visibility === 'visible';

/** Without scrolling: one is where one was. */
export const giveFocus = (element: HTMLElement | null | undefined): void => element?.focus({ preventScroll: true });
