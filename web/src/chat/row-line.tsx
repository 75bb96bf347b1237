import { dayLabel, when } from '../format.js';
import { memo } from '../parts/memo.js';
import { Beginning } from './beginning.js';
import { MessageLine } from './message.js';
import { Notices } from './notices.js';
import type { Row } from './rows.js';
import type { View } from './view.js';

interface RowProps {
  readonly row: Row;
  readonly view: View;
  /** Whether this is where Tab leads. */
  readonly isStop: boolean;
}

/** One line of the list of messages, whatever it is. Of thousands, only those are drawn anew that have changed. */
export const RowLine = memo(function RowLine({ row, view, isStop }: RowProps) {
  if (row.type === 'message') return <MessageLine row={row} view={view} isStop={isStop} />;
  if (row.type === 'notice') return <Notices items={row.items} />;
  if (row.type === 'start') return <Beginning view={view} />;
  if (row.type === 'failed')
    return (
      <p class="not-loaded">
        Could not load {row.way} messages.
        <button type="button" class="btn text" onClick={() => view.loadMore(row.way)}>
          Try again
        </button>
      </p>
    );
  if (row.type === 'day')
    return (
      <div class="day">
        <b>{dayLabel(row.at)}</b>
      </div>
    );
  return (
    <div class="new" role="separator" aria-label="New messages">
      <b>New</b>
      <span>since {when(row.since)}</span>
    </div>
  );
});

/** The shape of messages that are still to come. */
export function LogBones() {
  return (
    <div class="bones" aria-hidden="true">
      {[0, 1, 2, 1].map((width, i) => (
        <div class="turn first last bone" key={i}>
          <span class="who">
            <i />
          </span>
          <div class="said">
            <i class={`w${width}`} />
            <i class={`w${(width + 1) % 3}`} />
          </div>
        </div>
      ))}
    </div>
  );
}
