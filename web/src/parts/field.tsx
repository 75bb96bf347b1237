import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Eye, Warning } from './icons.js';

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type?: 'text' | 'email' | 'password';
  readonly autocomplete: string;
  /** What stands in it at first. */
  readonly value?: string;
  readonly hint?: string;
  /** A sentence. */
  readonly error?: string | undefined;
  /** Takes the focus when it appears. */
  readonly autofocus?: boolean;
  readonly maxLength?: number;
  /** At the right of the label: a link. */
  readonly beside?: ComponentChildren;
}

/** An input with its label, what is wrong with it in words, and for passwords an eye. */
export function Field({ label, type = 'text', hint, error, beside, autofocus, value, ...input }: FieldProps) {
  const id = useId();
  const isShown = useSignal(false);
  const element = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (autofocus) element.current?.focus();
  }, []);
  // The types of Preact know each role's element, and not one of several.
  const kind: 'text' = (type === 'password' && isShown.value ? 'text' : type) as 'text';
  const saidId = error !== undefined || hint !== undefined ? `${id}-said` : undefined;
  return (
    <div class={error === undefined ? 'field' : 'field bad'}>
      <span class="label">
        <label for={id}>{label}</label>
        {beside}
      </span>
      <div class="in">
        <input
          {...input}
          // Where it begins: what was typed since stays, whatever is drawn.
          defaultValue={value}
          id={id}
          ref={element}
          type={kind}
          aria-invalid={error !== undefined}
          aria-describedby={saidId}
          autocapitalize={type === 'text' ? 'words' : 'none'}
          spellcheck={false}
        />
        {type === 'password' && (
          <button
            type="button"
            class="icon"
            aria-label="Show the password"
            aria-pressed={isShown.value}
            onClick={() => (isShown.value = !isShown.value)}
          >
            <Eye />
          </button>
        )}
      </div>
      {error !== undefined ? (
        <p class="err" id={saidId}>
          <Warning />
          {error}
        </p>
      ) : (
        hint !== undefined && (
          <p class="hint" id={saidId}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}
