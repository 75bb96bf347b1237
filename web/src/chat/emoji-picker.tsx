import { useEffect, useRef, useState } from 'preact/hooks';
import { giveFocus, openerNow } from '../parts/focus.js';
import { isTouch } from '../parts/media.js';
import { type Emoji, type EmojiGroup, findEmoji, GROUPS, recentEmoji, rememberEmoji } from './emoji.js';

interface EmojiPickerProps {
  readonly onPick: (emoji: string) => void;
  readonly onClose: () => void;
}

/** What was picked last, the common ones, and a search by their names. One stop for Tab; arrows move in the grid. */
export function EmojiPicker({ onPick, onClose }: EmojiPickerProps) {
  const box = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState('');
  const [recent] = useState(recentEmoji);
  /** Where Tab leads: the place in the order of all that is shown. */
  const [stop, setStop] = useState(0);
  const groups = groupsFor(query, recent);

  useEffect(() => {
    const before = openerNow();
    // On a phone, the keyboard would take the place of what one came for.
    if (!isTouch.peek()) input.current!.focus({ preventScroll: true });
    const element = box.current!;
    // What it belongs to: the box where one writes, or what covers the page.
    const house = element.closest('form, .scrim');
    const onPointerDown = (event: PointerEvent): void => {
      if (!house?.contains(event.target as Node)) onClose();
    };
    document.addEventListener('pointerdown', onPointerDown);
    return () => {
      document.removeEventListener('pointerdown', onPointerDown);
      const { activeElement } = document;
      if (activeElement === document.body || box.current?.contains(activeElement)) giveFocus(before);
    };
  }, []);

  const pick = ({ sign }: Emoji): void => {
    rememberEmoji(sign);
    onPick(sign);
    onClose();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      onClose();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const signs = [...box.current!.querySelectorAll<HTMLElement>('[data-sign]')];
    if (event.target === input.current) {
      if (event.key === 'Enter') {
        // It would send the message.
        event.preventDefault();
        const first = query.trim() === '' ? undefined : groups[0]?.emoji[0];
        if (first) pick(first);
      } else if (event.key === 'ArrowDown') {
        event.preventDefault();
        signs[0]?.focus();
      }
      return;
    }
    const at = signs.indexOf(event.target as HTMLElement);
    if (at < 0) return;
    const next = nextOf(signs, at, event.key);
    if (next !== undefined) {
      event.preventDefault();
      (signs[next] ?? input.current!).focus();
    } else if ([...event.key].length === 1 && event.key !== ' ') {
      // Whoever types searches: the letter goes where the focus goes.
      input.current!.focus();
    }
  };

  let index = 0;
  return (
    <div class="emoji" role="dialog" aria-label="Emoji" ref={box} onKeyDown={onKeyDown}>
      <input
        ref={input}
        type="text"
        value={query}
        placeholder="Search"
        aria-label="Search emoji by name"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={40}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          setStop(0);
        }}
      />
      <div class="emoji-all">
        {groups.map(({ title, emoji }) => (
          <div role="group" aria-label={title} key={title}>
            <b aria-hidden="true">{title}</b>
            <div class="emoji-grid">
              {emoji.map((one) => {
                const place = index++;
                return (
                  <button
                    type="button"
                    key={one.sign}
                    data-sign
                    tabIndex={place === stop ? 0 : -1}
                    aria-label={one.name}
                    title={one.name}
                    onFocus={() => setStop(place)}
                    onClick={() => pick(one)}
                  >
                    {one.sign}
                  </button>
                );
              })}
            </div>
          </div>
        ))}
      </div>
      <p class={index === 0 ? 'none-found' : 'sr'} role="status">
        {query.trim() === '' ? '' : index === 0 ? `No emoji found for “${query.trim()}”.` : `${index} found`}
      </p>
    </div>
  );
}

function groupsFor(query: string, recent: readonly Emoji[]): EmojiGroup[] {
  if (query.trim() !== '') {
    const found = findEmoji(query);
    return found.length > 0 ? [{ title: 'Found', emoji: found }] : [];
  }
  return recent.length > 0 ? [{ title: 'Recent', emoji: recent }, ...GROUPS] : [...GROUPS];
}

/** @returns -1 for the search above the first row, undefined for keys that do not move */
function nextOf(signs: readonly HTMLElement[], at: number, key: string): number | undefined {
  const last = signs.length - 1;
  const isRtl = getComputedStyle(signs[at]!).direction === 'rtl';
  switch (key) {
    case 'ArrowRight':
      return Math.max(0, Math.min(last, at + (isRtl ? -1 : 1)));
    case 'ArrowLeft':
      return Math.max(0, Math.min(last, at + (isRtl ? 1 : -1)));
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'ArrowDown':
      return inNextRow(signs, at, 1) ?? at;
    case 'ArrowUp':
      return inNextRow(signs, at, -1) ?? -1;
    default:
      return undefined;
  }
}

/** How many stand in a row depends on the width, and the last row of a group may be short: the nearest by place. */
function inNextRow(signs: readonly HTMLElement[], at: number, step: 1 | -1): number | undefined {
  const places = signs.map((sign) => sign.getBoundingClientRect());
  const { top, left } = places[at]!;
  let row: number | undefined;
  let nearest: number | undefined;
  for (let i = at + step; i >= 0 && i < signs.length; i += step) {
    const place = places[i]!;
    if (place.top === top) continue;
    row ??= place.top;
    if (place.top !== row) break;
    if (nearest === undefined || Math.abs(place.left - left) < Math.abs(places[nearest]!.left - left)) nearest = i;
  }
  return nearest;
}
