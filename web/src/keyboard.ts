/** The bars of browsers come and go, and are lower than any keyboard. */
const LEAST_PX = 120;

/**
 * iOS lays its keyboard over the page, and moves that up under it: from now on the app is as high as what is left, and stays where it is.
 * Other browsers make the page lower by themselves (`interactive-widget`).
 */
export function listenForKeyboard(): (() => void) | undefined {
  const { visualViewport: view, document } = window;
  if (!view) return undefined;
  const { documentElement: root } = document;
  const fit = (): void => {
    // What is zoomed is no lower.
    const isOpen = view.scale === 1 && root.clientHeight - view.height >= LEAST_PX;
    if (!isOpen) {
      root.style.removeProperty('--height');
      return;
    }
    root.style.setProperty('--height', `${view.height}px`);
    scrollTo(0, 0);
    document.activeElement?.scrollIntoView({ block: 'nearest' });
  };
  view.addEventListener('resize', fit);
  view.addEventListener('scroll', fit);
  return () => {
    view.removeEventListener('resize', fit);
    view.removeEventListener('scroll', fit);
    root.style.removeProperty('--height');
  };
}
