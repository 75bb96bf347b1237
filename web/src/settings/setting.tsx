import type { ComponentChildren } from 'preact';
import { ErrorLine } from '../parts/error-line.js';

interface SettingProps {
  readonly title: ComponentChildren;
  readonly note?: ComponentChildren;
  /** What became of the last change: read out when it appears. */
  readonly said?: string | undefined;
  readonly error?: string | undefined;
  /** At the left. */
  readonly face?: ComponentChildren;
  /** At the right: what one may do. */
  readonly children?: ComponentChildren;
}

/** A line of the settings. What became of what was done is said where it was done. */
export function Setting({ title, note, said, error, face, children }: SettingProps) {
  return (
    <div class="set">
      {face}
      <div>
        <b>{title}</b>
        {note !== undefined && <small>{note}</small>}
        <small class="outcome" role="status">
          {said}
        </small>
        <ErrorLine>{error}</ErrorLine>
      </div>
      {children}
    </div>
  );
}
