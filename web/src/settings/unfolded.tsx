import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ErrorLine } from '../parts/error-line.js';
import type { FormState } from '../parts/form.js';

/** A line that becomes a form, and a line again; the focus comes back to where it was opened. */
export function useUnfolding() {
  const isOpen = useSignal(false);
  const said = useSignal<string | undefined>(undefined);
  const opener = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !isOpen.value) opener.current?.focus();
    wasOpen.current = isOpen.value;
  }, [isOpen.value]);
  const open = (): void => {
    said.value = undefined;
    isOpen.value = true;
  };
  const close = (outcome?: string): void => {
    isOpen.value = false;
    said.value = outcome;
  };
  return { isOpen, said, opener, open, close };
}

interface UnfoldedProps {
  readonly form: FormState;
  /** On the button that does it. */
  readonly deed?: string;
  readonly onSubmit: (event: Event) => void;
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

export function Unfolded({ form, deed = 'Save', onSubmit, onCancel, children }: UnfoldedProps) {
  const general = form.wrong.value.errors[''];
  return (
    <form
      class="unfolded"
      onSubmit={onSubmit}
      noValidate
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.isComposing) return;
        event.preventDefault();
        onCancel();
      }}
    >
      {children}
      <ErrorLine>{general}</ErrorLine>
      <p class="acts">
        <button class="btn primary" disabled={form.isBusy.value}>
          {deed}
        </button>
        <button type="button" class="btn quiet" onClick={onCancel}>
          Cancel
        </button>
      </p>
    </form>
  );
}
