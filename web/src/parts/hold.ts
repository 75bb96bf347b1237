import { isTouch } from './media.js';

const HELD_MS = 500;
/** A finger is never still. */
const MOST_MOVED_PX = 10;
/** These do something of their own when they are held. */
const OWN = 'a, button, input, textarea';

/** Of the one finger that is down. */
let release = (): void => {};

interface HoldHandlers {
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onContextMenu: (event: MouseEvent) => void;
}

/**
 * For what opens a menu when a finger is held on it. Timed here, since Safari on iOS tells of no `contextmenu`; where it comes, it is the
 * same. A mouse keeps the browser's own menu.
 */
export function onHold(act: (held: HTMLElement) => void): HoldHandlers {
  return {
    onPointerDown: (event) => {
      release();
      const { pointerType, isPrimary, clientX, clientY } = event;
      if (pointerType === 'mouse' || !isPrimary || isOwn(event)) return;
      const held = event.currentTarget as HTMLElement;
      const over = new AbortController();
      const timer = setTimeout(() => {
        release();
        if (!held.isConnected) return;
        swallowClick();
        act(held);
      }, HELD_MS);
      release = () => {
        clearTimeout(timer);
        over.abort();
      };
      const { signal } = over;
      addEventListener('pointerup', release, { signal });
      addEventListener('pointercancel', release, { signal });
      const onMove = (to: PointerEvent): void => {
        if (Math.hypot(to.clientX - clientX, to.clientY - clientY) > MOST_MOVED_PX) release();
      };
      addEventListener('pointermove', onMove, { signal });
    },
    onContextMenu: (event) => {
      // Some browsers do not say by what it was asked for.
      const { pointerType = isTouch.peek() ? 'touch' : 'mouse' } = event as Partial<PointerEvent>;
      if (pointerType === 'mouse' || pointerType === '' || isOwn(event)) return;
      event.preventDefault();
      release();
      act(event.currentTarget as HTMLElement);
    },
  };
}

const isOwn = ({ target }: Event): boolean =>
  (target as Element).closest(OWN) !== null || getSelection()?.isCollapsed === false;

/** The finger that goes up has held, and clicks on nothing. The click of the next one is one; keys have none before theirs. */
function swallowClick(): void {
  const next = new AbortController();
  const { signal } = next;
  const onClick = (event: MouseEvent): void => {
    if (event.detail === 0) return;
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener('click', onClick, { capture: true, signal });
  addEventListener('pointerdown', () => next.abort(), { capture: true, signal });
}
