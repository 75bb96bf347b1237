import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Search } from '../parts/icons.js';
import { server } from '../parley.js';
import type { Span } from './matching.js';

export interface Choice {
  readonly key: string;
  /** The heading that it stands under; those of one heading follow each other. */
  readonly of: string;
  readonly face: ComponentChildren;
  readonly name: string;
  readonly marks: readonly Span[];
  readonly note: ComponentChildren;
  /** At the right. Default: "Enter", where it is the one that Enter takes. */
  readonly aside?: ComponentChildren;
}

interface SearchBoxProps {
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly placeholder: string;
  readonly choices: readonly Choice[];
  readonly isLoading: boolean;
  readonly onChoose: (key: string) => void;
  /** At the right of the input: the way out. */
  readonly out: ComponentChildren;
  /** Below the choices: that there are none, or why. */
  readonly children?: ComponentChildren;
}

const DEFAULT_QUERY_LENGTH = 161;

/** An input, and below it what is chosen from: the focus stays in the input, arrows and the pointer say which one Enter takes. */
export function SearchBox(props: SearchBoxProps) {
  const { query, onQuery, placeholder, choices, isLoading, onChoose, out, children } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const chosen = useSignal<string | undefined>(undefined);
  // Enter was pressed before anything was found: what is found first is meant.
  const isAwaited = useRef(false);
  const active = choices.find(({ key }) => key === chosen.value) ?? choices[0];
  const idOf = (choice: Choice): string => `${id}-${choice.key}`;

  const choose = (choice: Choice): void => {
    isAwaited.current = false;
    chosen.value = choice.key;
    onChoose(choice.key);
    input.current?.select();
  };
  const move = (next: number): void => {
    chosen.value = choices.at(next % Math.max(1, choices.length))?.key;
    // After it is drawn as the active one.
    requestAnimationFrame(() =>
      list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }),
    );
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing || event.keyCode === 229) return;
    isAwaited.current = false;
    const at = active ? choices.indexOf(active) : -1;
    if (event.key === 'ArrowDown') move(at + 1);
    else if (event.key === 'ArrowUp') move(at - 1);
    else if (event.key === 'PageDown') move(Math.min(at + 8, choices.length - 1));
    else if (event.key === 'PageUp') move(Math.max(at - 8, 0));
    else if (event.key !== 'Enter') return;
    else if (active) choose(active);
    else isAwaited.current = isLoading;
    event.preventDefault();
  };
  useEffect(() => {
    if (isAwaited.current && active) choose(active);
    else if (!isLoading) isAwaited.current = false;
  }, [active?.key, isLoading]);
  useLayoutEffect(() => {
    list.current?.scrollTo(0, 0);
  }, [query]);

  const count = choices.length === 1 ? '1 result' : `${choices.length} results`;
  return (
    <>
      <div class="q">
        <Search />
        <input
          ref={input}
          role="combobox"
          aria-label={placeholder}
          aria-expanded={choices.length > 0}
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={active && idOf(active)}
          placeholder={placeholder}
          value={query}
          maxLength={server.value?.limits['query_length'] ?? DEFAULT_QUERY_LENGTH}
          autofocus
          autocomplete="off"
          autocapitalize="words"
          spellcheck={false}
          enterkeyhint="go"
          onInput={(event) => {
            chosen.value = undefined;
            isAwaited.current = false;
            onQuery(event.currentTarget.value);
          }}
          onKeyDown={onKeyDown}
        />
        {out}
      </div>
      <div class="found" aria-busy={isLoading}>
        <div id={id} ref={list} role="listbox" aria-label="Results">
          {sectionsOf(choices).map((section) => (
            <div role="group" aria-label={section[0]!.of} key={section[0]!.of}>
              <b class="of" aria-hidden="true">
                {section[0]!.of}
              </b>
              {section.map((choice) => (
                <Option
                  key={choice.key}
                  id={idOf(choice)}
                  choice={choice}
                  isActive={choice === active}
                  onPoint={() => (chosen.value = choice.key)}
                  onChoose={() => choose(choice)}
                />
              ))}
            </div>
          ))}
        </div>
        {children}
        <span class="sr" role="status">
          {choices.length > 0 && !isLoading && query.trim() !== '' ? count : ''}
        </span>
      </div>
    </>
  );
}

interface OptionProps {
  readonly id: string;
  readonly choice: Choice;
  readonly isActive: boolean;
  readonly onPoint: () => void;
  readonly onChoose: () => void;
}

function Option({ id, choice, isActive, onPoint, onChoose }: OptionProps) {
  return (
    <div
      class="opt"
      id={id}
      role="option"
      aria-selected={isActive}
      onPointerMove={isActive ? undefined : onPoint}
      // The focus stays in the input.
      onMouseDown={(event) => event.preventDefault()}
      onClick={onChoose}
    >
      {choice.face}
      <div>
        <bdi>
          <Marked text={choice.name} marks={choice.marks} />
        </bdi>
        <small>{choice.note}</small>
      </div>
      {choice.aside ?? (isActive && <kbd aria-hidden="true">Enter</kbd>)}
    </div>
  );
}

function Marked({ text, marks }: { text: string; marks: readonly Span[] }) {
  let done = 0;
  const parts: ComponentChildren[] = [];
  for (const [from, to] of marks) {
    parts.push(text.slice(done, from), <mark>{text.slice(from, to)}</mark>);
    done = to;
  }
  return (
    <>
      {parts}
      {text.slice(done)}
    </>
  );
}

function sectionsOf(choices: readonly Choice[]): Choice[][] {
  const sections: Choice[][] = [];
  for (const choice of choices) {
    const last = sections.at(-1);
    if (last?.[0]?.of === choice.of) last.push(choice);
    else sections.push([choice]);
  }
  return sections;
}
