import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Mark } from '../parts/icons.js';
import { isPhone } from '../parts/media.js';
import { to } from '../router.js';
import { Empty, hasNobody } from './empty.js';
import { KEY } from './list-pane.js';

/** Beside the list while no conversation is open. On the phone nothing is beside it. */
export function NothingChosen() {
  if (isPhone.value) return null;
  return (
    <div class="talk" role="region" aria-label="Conversation">
      {hasNobody.value ? (
        <Empty />
      ) : (
        <div class="still calm">
          <div>
            <Mark class="mark big" />
            <p>
              Choose a conversation, or press <kbd>{KEY} K</kbd> to find somebody.
            </p>
          </div>
        </div>
      )}
    </div>
  );
}

interface NothingProps {
  readonly title?: string;
  readonly text?: string;
  readonly children?: ComponentChildren;
}

/** An address that leads nowhere, or nowhere any more. */
export function Nothing({ title = 'There is nothing here.', text, children }: NothingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  // What had it may have gone while somebody was at it.
  useEffect(() => heading.current?.focus(), []);
  return (
    <main class="talk">
      <div class="still">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {text !== undefined && <p>{text}</p>}
          <p class="do">
            <a class="btn primary big" href={to('')}>
              To your conversations
            </a>
          </p>
          {children}
        </div>
      </div>
    </main>
  );
}
