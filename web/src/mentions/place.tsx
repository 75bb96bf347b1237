import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Count } from '../list/marks.js';
import { unreadOf } from '../list/sections.js';
import { At } from '../parts/icons.js';
import { ofDevice } from '../parts/kept.js';
import { inbox, me, parley, server } from '../parley.js';
import { route, to } from '../router.js';

/** The way to the messages that name one: above the list, from the first one on. */
export function MentionsPlace() {
  const { mentions, isSilent } = unreadOf(inbox.value.rows);
  const isCurrent = route.value.at === 'mentions';
  const wasNamed = useWasNamed(mentions > 0);
  if (!wasNamed && !isCurrent) return null;
  return (
    <a class="place-of" href={to('mentions')} aria-current={isCurrent ? 'page' : undefined}>
      <At />
      <span class="what">Mentions</span>
      {mentions > 0 && <Count count={mentions} isQuiet={isSilent} />}
    </a>
  );
}

/** Whether there has ever been one: remembered on this device; before that, the server is asked once a visit. */
function useWasNamed(isNamed: boolean): boolean {
  const key = `named:${me.value?.id}`;
  const wasNamed = useSignal(ofDevice.read(key) !== undefined);
  const isKnown = inbox.value.loaded;
  const knowsMentions = server.value?.features.includes('mentions') ?? false;
  const remember = (): void => {
    wasNamed.value = true;
    ofDevice.write(key, 'yes');
  };
  useEffect(() => {
    if (isNamed) remember();
  }, [isNamed]);
  useEffect(() => {
    if (wasNamed.peek() || !isKnown || !knowsMentions) return;
    parley.mentions().then(
      ({ rows }) => {
        if (rows.length > 0) remember();
      },
      () => {},
    );
  }, [isKnown, knowsMentions]);
  return wasNamed.value || isNamed;
}
