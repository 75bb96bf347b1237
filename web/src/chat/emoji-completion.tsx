import { useSignal } from '@preact/signals';
import type { ComponentChild, RefObject } from 'preact';
import { useId } from 'preact/hooks';
import type { Emoji } from './emoji.js';

/** Two letters at least: `:D` and `:p` are faces already, and `10:30` is a time. */
const BEGUN = /(?:^|[\s(])(:[a-z0-9_+-]{2,24})$/i;
const MOST = 6;

interface Offered {
  /** Where the colon stands in the text. */
  readonly start: number;
  readonly matches: readonly Emoji[];
  readonly at: number;
  readonly left: number;
  readonly bottom: number;
}

interface Completion {
  /** After each change of the text. */
  readonly update: () => void;
  readonly close: () => void;
  /** @returns whether the key was for the list */
  readonly onKeyDown: (event: KeyboardEvent) => boolean;
  readonly list: ComponentChild;
  /** For the text area. */
  readonly aria: {
    readonly 'aria-autocomplete': 'list';
    readonly 'aria-controls'?: string;
    readonly 'aria-activedescendant'?: string;
  };
}

/** `:smi` in a text area offers what begins so, above the line with the caret. */
export function useEmojiCompletion(area: RefObject<HTMLTextAreaElement | null>, onChange: () => void): Completion {
  const offered = useSignal<Offered | undefined>(undefined);
  const id = useId();

  const update = (): void => {
    const begun = begunIn(area.current);
    if (begun === undefined) {
      offered.value = undefined;
      return;
    }
    // The names are a chunk of their own, which most messages never need.
    import('./emoji.js').then(
      ({ findEmoji }) => {
        // More may have been typed meanwhile.
        const element = area.current;
        const now = begunIn(element);
        if (!element || now === undefined || now.word !== begun.word) return;
        const matches = findEmoji(now.word.slice(1)).slice(0, MOST);
        offered.value =
          matches.length > 0 ? { start: now.start, matches, at: 0, ...placeOf(element, now.start) } : undefined;
      },
      () => {},
    );
  };
  const close = (): void => void (offered.value = undefined);

  const choose = ({ sign }: Emoji, { start }: Offered): void => {
    const element = area.current!;
    const end = element.selectionStart;
    const blank = /^\s/.test(element.value.slice(end)) ? '' : ' ';
    element.setRangeText(sign + blank, start, end, 'end');
    close();
    void import('./emoji.js').then(({ rememberEmoji }) => rememberEmoji(sign));
    onChange();
  };

  const onKeyDown = (event: KeyboardEvent): boolean => {
    const now = offered.peek();
    if (!now || event.ctrlKey || event.metaKey || event.altKey) return false;
    const { length } = now.matches;
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp':
        offered.value = { ...now, at: (now.at + (event.key === 'ArrowDown' ? 1 : length - 1)) % length };
        break;
      case 'Enter':
      case 'Tab':
        if (event.shiftKey) return false;
        choose(now.matches[now.at]!, now);
        break;
      case 'Escape':
        close();
        break;
      case 'ArrowLeft':
      case 'ArrowRight':
      case 'Home':
      case 'End':
        close();
        return false;
      default:
        return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  const now = offered.value;
  const optionId = (index: number): string => `${id}-${index}`;
  const list = now && (
    <ul
      class="offered"
      role="listbox"
      id={id}
      aria-label="Emoji"
      style={{ left: `${now.left}px`, bottom: `${now.bottom}px` }}
    >
      {now.matches.map((emoji, index) => (
        <li
          key={emoji.sign}
          id={optionId(index)}
          role="option"
          aria-selected={index === now.at}
          // The focus stays in the text.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => choose(emoji, now)}
        >
          <span aria-hidden="true">{emoji.sign}</span>
          {emoji.name}
        </li>
      ))}
    </ul>
  );
  const aria = { 'aria-autocomplete': 'list' } as const;
  return {
    update,
    close,
    onKeyDown,
    list: list ?? null,
    aria: now ? { ...aria, 'aria-controls': id, 'aria-activedescendant': optionId(now.at) } : aria,
  };
}

function begunIn(area: HTMLTextAreaElement | null): { readonly start: number; readonly word: string } | undefined {
  if (!area || area.selectionStart !== area.selectionEnd || document.activeElement !== area) return undefined;
  const word = BEGUN.exec(area.value.slice(0, area.selectionStart))?.[1];
  return word === undefined ? undefined : { start: area.selectionStart - word.length, word };
}

/** As wide as the style sheet lets it be, CSS pixels. */
const WIDEST_PX = 272;
const GAP_PX = 4;

/** Of what stands at `index`, from the left and the lower edge of the box: a text area does not tell, so the same text is laid out beside it. */
function placeOf(area: HTMLTextAreaElement, index: number): { readonly left: number; readonly bottom: number } {
  const box = area.offsetParent as HTMLElement;
  const mirror = document.createElement('div');
  const mark = document.createElement('span');
  const { font, padding, lineHeight } = getComputedStyle(area);
  mirror.dir = 'auto';
  mirror.className = 'mirror';
  Object.assign(mirror.style, { font, padding, lineHeight, inlineSize: `${area.clientWidth}px` });
  mirror.textContent = area.value.slice(0, index);
  mark.textContent = ':';
  mirror.append(mark);
  box.append(mirror);
  const { offsetLeft, offsetTop } = mark;
  mirror.remove();
  return {
    left: Math.max(0, Math.min(area.offsetLeft + offsetLeft, box.clientWidth - WIDEST_PX)),
    bottom: box.clientHeight - (area.offsetTop + offsetTop - area.scrollTop) + GAP_PX,
  };
}
