import { useSignal } from '@preact/signals';
import type { ComponentChild, ComponentChildren, RefObject } from 'preact';
import { useId } from 'preact/hooks';

/** Something that completes what was begun. */
export interface Offer {
  readonly key: string;
  /** Takes the place of what was begun. */
  readonly text: string;
  readonly picture: ComponentChildren;
  readonly name: string;
  readonly note?: string | undefined;
  /** @param start where it stands in the text */
  readonly onChosen?: (start: number) => void;
}

/** What can be completed. */
export interface Source {
  /** What is offered. */
  readonly label: string;
  /** Its first group is what was begun, up to the caret. */
  readonly begun: RegExp;
  /** At most a handful, the best first. */
  readonly find: (begun: string) => readonly Offer[] | Promise<readonly Offer[]>;
}

interface Begun {
  readonly source: Source;
  /** Where it stands in the text. */
  readonly start: number;
  readonly word: string;
}

interface Offered extends Begun {
  readonly matches: readonly Offer[];
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

/** What was begun in a text area is completed from a list above the line with the caret: `:smi`, `@Ad`. */
export function useCompletion(
  area: RefObject<HTMLTextAreaElement | null>,
  sources: readonly Source[],
  onChange: () => void,
): Completion {
  const offered = useSignal<Offered | undefined>(undefined);
  const id = useId();

  const update = (): void => {
    const begun = begunIn(area.current, sources);
    if (begun === undefined) {
      offered.value = undefined;
      return;
    }
    Promise.resolve(begun.source.find(begun.word)).then(
      (matches) => {
        // More may have been typed meanwhile.
        const element = area.current;
        const now = begunIn(element, sources);
        if (!element || now === undefined || now.word !== begun.word || now.start !== begun.start) return;
        const [first] = matches;
        const isWritten = matches.length === 1 && first!.text === now.word;
        // Whoever has written it in full has chosen it.
        if (isWritten) first!.onChosen?.(now.start);
        offered.value = first && !isWritten ? { ...now, matches, at: 0, ...placeOf(element, now.start) } : undefined;
      },
      // What offers it could not be loaded: one can do without.
      () => {},
    );
  };
  const close = (): void => void (offered.value = undefined);

  const choose = ({ text, onChosen }: Offer, { start }: Offered): void => {
    const element = area.current!;
    const end = element.selectionStart;
    const next = element.value.charAt(end);
    element.setRangeText(/\S|^$/.test(next) ? `${text} ` : text, start, end, 'end');
    // Behind the blank that is there already.
    if (next === ' ') element.setSelectionRange(element.selectionEnd + 1, element.selectionEnd + 1);
    close();
    onChange();
    onChosen?.(start);
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
      aria-label={now.source.label}
      style={{ left: `${now.left}px`, bottom: `${now.bottom}px` }}
    >
      {now.matches.map((offer, index) => (
        <li
          key={offer.key}
          id={optionId(index)}
          role="option"
          aria-selected={index === now.at}
          // The focus stays in the text.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => choose(offer, now)}
        >
          <span class="picture" aria-hidden="true">
            {offer.picture}
          </span>
          <bdi>{offer.name}</bdi>
          {offer.note !== undefined && <small>{offer.note}</small>}
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

function begunIn(area: HTMLTextAreaElement | null, sources: readonly Source[]): Begun | undefined {
  if (!area || area.selectionStart !== area.selectionEnd || document.activeElement !== area) return undefined;
  const before = area.value.slice(0, area.selectionStart);
  for (const source of sources) {
    const word = source.begun.exec(before)?.[1];
    if (word !== undefined) return { source, start: before.length - word.length, word };
  }
  return undefined;
}

/** As wide as the style sheet lets it be, CSS pixels. */
const WIDEST_PX = 304;
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
