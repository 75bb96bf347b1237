import { type Signal, useSignal } from '@preact/signals';
import { ParleyError } from 'parley-client';
import { useEffect, useRef } from 'preact/hooks';
import { wordsFor } from '../words.js';

/** What is wrong with a form: with one of its inputs by name, or with none of them (`''`). */
export interface Wrong {
  /** Rises with each refusal: the first input that is wrong takes the focus. */
  readonly tried: number;
  readonly errors: Readonly<Record<string, string>>;
}

export interface FormState {
  readonly isBusy: Signal<boolean>;
  readonly wrong: Signal<Wrong>;
  /** Says what is wrong with an input; the next try clears it. */
  readonly refuse: (errors: Readonly<Record<string, string>>) => void;
  /** For `onSubmit`: one at a time; what it throws is said beside the inputs that it concerns, and what was typed stays. */
  readonly submit: (work: (values: Readonly<Record<string, string>>) => Promise<void>) => (event: Event) => void;
}

/**
 * @param words of an error, as `{input: sentence}`; undefined: by its code. What the server says of `fields` is used as it is, unless
 *   `words` knows better.
 */
export function useForm(words?: (error: ParleyError) => Readonly<Record<string, string>> | undefined): FormState {
  const isBusy = useSignal(false);
  const wrong = useSignal<Wrong>({ tried: 0, errors: {} });
  const form = useRef<HTMLFormElement | undefined>(undefined);
  const { tried } = wrong.value;
  useEffect(() => {
    if (tried > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [tried]);
  const refuse = (errors: Readonly<Record<string, string>>): void => {
    wrong.value = { tried: wrong.peek().tried + 1, errors };
  };
  const submit = (work: (values: Readonly<Record<string, string>>) => Promise<void>) => (event: Event) => {
    event.preventDefault();
    if (isBusy.peek()) return;
    const values: Record<string, string> = {};
    form.current = event.currentTarget as HTMLFormElement;
    const { elements } = form.current;
    for (const [name, value] of new FormData(form.current)) if (typeof value === 'string') values[name] = value;
    isBusy.value = true;
    wrong.value = { tried: wrong.peek().tried, errors: {} };
    work(values)
      .catch((thrown: unknown) => {
        const error = ParleyError.from(thrown);
        refuse(words?.(error) ?? fieldsOf(error, elements) ?? { '': wordsFor(error) });
      })
      .finally(() => (isBusy.value = false));
  };
  return { isBusy, wrong, refuse, submit };
}

/** What is wrong with something that the form does not have is said of the form as a whole. */
function fieldsOf({ fields }: ParleyError, elements: HTMLFormControlsCollection): Record<string, string> | undefined {
  const errors: Record<string, string> = {};
  for (const [name, [first = 'is not right']] of Object.entries(fields ?? {})) {
    if (elements.namedItem(name)) errors[name] = sentence('This', first);
    else errors[''] ??= sentence(name, first);
  }
  return Object.keys(errors).length > 0 ? errors : undefined;
}

/** `must be at most 100 characters` → `This must be at most 100 characters.` */
const sentence = (what: string, text: string): string =>
  (/^\p{Ll}/u.test(text) ? `${what} ${text}` : text) + (/[.!?]$/.test(text) ? '' : '.');
