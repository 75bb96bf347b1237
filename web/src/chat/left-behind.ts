import { parley } from '../parley.js';
import { ofTab } from '../parts/kept.js';

/*
 * Whoever looks at a group is in it, on the server. A page that goes away whole, by another address or a link from elsewhere, has no time to
 * say that nobody looks any more; and the next page of the tab comes soon enough for the person to stay in, where what is written counts as
 * read. So the next page leaves the group, unless it shows it.
 */

const KEY = 'in-group';

export function looksAt(groupId: number): () => void {
  ofTab.write(KEY, String(groupId));
  return () => ofTab.remove(KEY);
}

/** At the start of a page, before it shows anything. */
export function leaveTheOneBefore(): void {
  const groupId = Number(ofTab.read(KEY));
  ofTab.remove(KEY);
  if (!Number.isSafeInteger(groupId) || groupId < 1) return;
  // As if one had looked for a moment: it is left unless somebody looks again, here or in another tab.
  const attached = parley.group(groupId).attach();
  attached.ready.catch(() => {});
  attached.detach();
}
