import { plural } from '../format.js';
import type { Unread } from './sections.js';

const MOST = 99;

/** How much is unread: rust is what calls, grey what is muted. */
export const Count = ({ count, isQuiet }: { count: number; isQuiet: boolean }) => (
  <span class={isQuiet ? 'count quiet' : 'count'}>
    <span class="sr">unread: </span>
    {count > MOST ? `${MOST}+` : count}
  </span>
);

/** The same, and whether it names one. */
export const Marks = ({ unread: { count, mentions, isQuiet, isSilent } }: { unread: Unread }) => (
  <span class="marks">
    {mentions > 0 && (
      <span class={isSilent ? 'at quiet' : 'at'}>
        <span aria-hidden="true">@</span>
        <span class="sr">{plural(mentions, 'mention')}, </span>
      </span>
    )}
    <Count count={count} isQuiet={isQuiet} />
  </span>
);
