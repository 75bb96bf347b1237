import { useId } from 'preact/hooks';
import { Archive, Fold } from '../parts/icons.js';
import { Marks } from './marks.js';
import { Rows, type RowsProps } from './row.js';
import { isArchiveOpen, unreadOf } from './sections.js';

/** What was archived: behind one row at the end, which says what of it is unread. New messages take nothing out of it. */
export function Archived({ rows, isStop, ...rest }: RowsProps & { isStop: boolean }) {
  const id = useId();
  const isOpen = isArchiveOpen.value;
  const unread = unreadOf(rows);
  return (
    <>
      <button
        type="button"
        class={`fold${unread.count > 0 ? ' unread' : ''}`}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        tabIndex={isStop ? 0 : -1}
        onClick={() => (isArchiveOpen.value = !isOpen)}
      >
        <Archive />
        <span class="what">Archived ({rows.length})</span>
        {unread.count > 0 && !isOpen && <Marks unread={unread} />}
        <Fold />
      </button>
      {isOpen && <Rows id={id} label="Archived" rows={rows} {...rest} />}
    </>
  );
}
