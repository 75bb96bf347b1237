import type { NoticeItem } from 'parley-client';
import { listed } from '../format.js';
import { me } from '../parley.js';
import { useFirstNames } from '../parts/store.js';

const MOST_NAMES = 4;

/** Who came and who went, one after another, in a line: "Katherine and Hedy came in. Alan left." */
export function Notices({ items }: { items: readonly NoticeItem[] }) {
  const parts: { change: NoticeItem['change']; ids: number[] }[] = [];
  for (const { change, user_ids } of items) {
    const last = parts.at(-1);
    const ids = user_ids.filter((id) => id !== me.peek()?.id);
    if (last?.change === change) last.ids.push(...ids.filter((id) => !last.ids.includes(id)));
    else parts.push({ change, ids });
  }
  return (
    <p class="notice">
      <span>
        {parts.map(({ change, ids }, i) => (
          <span key={i}>
            {i > 0 && '. '}
            <Names ids={ids} /> {change === 'entered' ? 'came in' : 'left'}
          </span>
        ))}
      </span>
    </p>
  );
}

function Names({ ids }: { ids: readonly number[] }) {
  const names = useFirstNames(ids.slice(0, MOST_NAMES));
  const others = ids.length - MOST_NAMES;
  return <bdi>{others > 0 ? `${names.join(', ')} and ${others} more` : listed(names)}</bdi>;
}
