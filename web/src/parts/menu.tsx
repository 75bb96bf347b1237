import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Deed } from './deed.js';
import { giveFocus } from './focus.js';
import { Tick } from './icons.js';
import { isPhone } from './media.js';
import { rove } from './rove.js';

interface MenuProps {
  readonly label: string;
  /** What it stands beside, which gets the focus back. */
  readonly opener: HTMLElement;
  readonly onClose: () => void;
  /** `role="menuitem…"` buttons, and what stands between them. The first plain one gets the focus. */
  readonly children: ComponentChildren;
}

/**
 * A list of deeds beside its opener, on the side where there is room; on a phone it is a sheet at the bottom. Arrows move, Escape and a
 * click elsewhere close.
 */
export function Menu({ label, opener, onClose, children }: MenuProps) {
  const scrim = useRef<HTMLDivElement>(null);
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // The style sheet places the sheet.
    if (!isPhone.peek()) placeBeside(element.current!, opener);
  }, []);
  // Before it is painted: a key that is pressed as soon as one sees it is for it.
  useLayoutEffect(() => {
    // It is asked for after it has left the document, too.
    const menu = element.current!;
    giveFocus(menu.querySelector<HTMLElement>('[role="menuitem"]'));
    return () => {
      if (document.activeElement === document.body || menu.contains(document.activeElement)) giveFocus(opener);
    };
  }, []);
  const move = rove(element, '[role^="menuitem"]');
  return (
    <div
      class="scrim"
      ref={scrim}
      // Not when it is pressed: the click would go to what lies below.
      onClick={(event) => {
        if (event.target === scrim.current) onClose();
      }}
    >
      <div
        class="menu"
        role="menu"
        aria-label={label}
        ref={element}
        onKeyDown={(event) => {
          if (event.key === 'Escape' || event.key === 'Tab') {
            event.preventDefault();
            event.stopPropagation();
            onClose();
          } else move(event);
        }}
      >
        {children}
      </div>
    </div>
  );
}

/** On the side of what opened it where there is room. */
export function placeBeside(menu: HTMLElement, opener: HTMLElement): void {
  const at = opener.getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = menu;
  const isBelow = at.bottom + height + 8 < innerHeight;
  menu.style.top = `${Math.max(8, isBelow ? at.bottom + 4 : at.top - height - 4)}px`;
  menu.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, at.right - width))}px`;
}

interface MenuItemProps {
  readonly children: ComponentChildren;
  readonly isBad?: boolean;
  /** For what is chosen: one of a group, or yes and no. */
  readonly kind?: 'radio' | 'checkbox';
  readonly isChecked?: boolean;
  readonly onClick: () => void;
}

export function MenuItem({ children, isBad = false, kind, isChecked = false, onClick }: MenuItemProps) {
  return (
    <button
      type="button"
      class={isBad ? 'btn bad' : 'btn'}
      role={kind ? `menuitem${kind}` : 'menuitem'}
      aria-checked={kind && isChecked}
      tabIndex={-1}
      onClick={onClick}
    >
      {children}
      {kind && isChecked && <Tick />}
    </button>
  );
}

/** Items that belong together, under what they are about. */
export function MenuGroup({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="group" role="group" aria-label={label}>
      <p class="of" aria-hidden="true">
        {label}
      </p>
      {children}
    </div>
  );
}

/** Why what was asked for here was refused. */
export function MenuError({ deed }: { deed: Deed }) {
  if (deed.error.value === undefined) return null;
  return (
    <p class="fine" role="alert">
      {deed.error.value}
    </p>
  );
}
