import { type Signal, useSignal } from '@preact/signals';
import { ParleyError } from 'parley-client';
import { wordsFor } from '../words.js';

export interface Deed {
  readonly isBusy: Signal<boolean>;
  readonly error: Signal<string | undefined>;
  readonly run: (work: () => Promise<unknown>) => void;
}

/**
 * Something that may be refused: one at a time, and what went wrong is said where it was asked for.
 *
 * @param words of an error; undefined: by its code
 */
export function useDeed(onDone: () => void = () => {}, words?: (error: ParleyError) => string | undefined): Deed {
  const isBusy = useSignal(false);
  const error = useSignal<string | undefined>(undefined);
  const run = (work: () => Promise<unknown>): void => {
    if (isBusy.peek()) return;
    isBusy.value = true;
    error.value = undefined;
    work()
      .then(onDone, (thrown: unknown) => {
        const refused = ParleyError.from(thrown);
        error.value = words?.(refused) ?? wordsFor(refused);
      })
      .finally(() => (isBusy.value = false));
  };
  return { isBusy, error, run };
}
