import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { giveFocus, openerNow } from './focus.js';
import { ErrorLine } from './error-line.js';

interface DialogProps {
  readonly label: string;
  /** The id of what is read out behind the label, before one looks around: what is to be known before the deed. */
  readonly describedBy?: string;
  readonly class?: string;
  /** Also when Escape was pressed or beside it was clicked. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal `<dialog>`: the focus goes in, Escape and a click beside it close, and the focus returns to where it was. */
export function Dialog({ label, describedBy, class: name = '', onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const isPressedBeside = useRef(false);
  useEffect(() => {
    const dialog = element.current!;
    const opener = openerNow();
    dialog.showModal();
    return () => {
      // What was opened from here has taken the focus.
      const { activeElement: active } = document;
      if (active !== document.body && !dialog.contains(active)) return;
      dialog.close();
      giveFocus(opener);
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={name}
      aria-label={label}
      aria-describedby={describedBy}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // Text that is selected from within may end beside it; and on a press alone the click would go to what lies below.
      onPointerDown={(event) => (isPressedBeside.current = isBeside(event))}
      onClick={(event) => {
        if (isPressedBeside.current && isBeside(event)) onClose();
      }}
    >
      {children}
    </dialog>
  );
}

/** A click on the backdrop has the dialog as its target, as one on its own edge has. */
function isBeside({ target, currentTarget, clientX: x, clientY: y }: TargetedMouseEvent<HTMLDialogElement>): boolean {
  if (target !== currentTarget) return false;
  const { left, right, top, bottom } = currentTarget.getBoundingClientRect();
  return x < left || x > right || y < top || y > bottom;
}

interface ConfirmProps {
  readonly title: string;
  readonly text: string;
  /** The name of the deed: on the button. */
  readonly deed: string;
  readonly isBad?: boolean;
  readonly error?: string | undefined;
  readonly isBusy?: boolean;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function Confirm({ title, text, deed, isBad = false, error, isBusy = false, onConfirm, onClose }: ConfirmProps) {
  const textId = useId();
  return (
    <Dialog label={title} describedBy={textId} class="ask-first" onClose={onClose}>
      <h2>{title}</h2>
      <p id={textId}>{text}</p>
      <ErrorLine>{error}</ErrorLine>
      <p class="acts">
        <button type="button" class="btn quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class={isBad ? 'btn danger' : 'btn primary'} disabled={isBusy} onClick={onConfirm}>
          {deed}
        </button>
      </p>
    </Dialog>
  );
}
