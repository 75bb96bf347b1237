import { useSignal } from '@preact/signals';
import type { Chat } from 'parley-client';
import { useEffect } from 'preact/hooks';
import { oneLine } from '../text/one-line.js';
import { parley } from '../parley.js';
import { whyNot } from '../words.js';
import { isWaiting } from './message.js';
import { unanswered } from './unanswered.js';

const GATHER_MS = 1_000;
const LONGEST = 120;

/**
 * What a screen reader says by itself: messages of others as they come, in the conversation that is open, while it is looked at; more than
 * two within a second as a number. The list of messages is not live: it would be read anew with each page of history.
 */
export function Announcer({ chat }: { chat: Chat }) {
  const said = useSignal({ text: '', count: 0 });
  const alarmed = useSignal({ text: '', count: 0 });
  const alarm = (text: string): void => void (alarmed.value = { text, count: alarmed.peek().count + 1 });
  useEffect(() => {
    let gathered: string[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const say = (text: string): void => {
      gathered.push(text);
      timer ??= setTimeout(() => {
        timer = undefined;
        const now = gathered.length > 2 ? `${gathered.length} new messages` : gathered.join('. ');
        said.value = { text: now, count: said.peek().count + 1 };
        gathered = [];
      }, GATHER_MS);
    };
    const end = parley.on('message', ({ chat: where, message, mine }) => {
      if (where !== chat || mine || document.visibilityState !== 'visible') return;
      const name = message.user_id === null ? 'Helper' : parley.users.get(message.user_id).get()?.first_name;
      const text = message.user_id === null ? message.message : oneLine(message.message).slice(0, LONGEST);
      say(`${name ?? 'Somebody'}: ${text}`);
    });
    const forming = new Set<string>();
    const onTheirWay = new Set<string>();
    const endItems = chat.timeline.listen(({ items }) => {
      for (const item of items) {
        if (item.kind !== 'message') continue;
        if (item.state === 'streaming' && !forming.has(item.key)) {
          forming.add(item.key);
          say('The helper answers');
        } else if (isWaiting(item)) onTheirWay.add(item.key);
        // Not what was refused before one came here.
        else if (onTheirWay.delete(item.key) && item.state === 'failed')
          alarm(`Refused: ${item.error ? whyNot(item.error) : 'something went wrong.'}`);
      }
    });
    let known = unanswered.peek().size;
    const endUnanswered = unanswered.subscribe(({ size }) => {
      if (size > known) alarm('No answer came.');
      known = size;
    });
    return () => {
      end();
      endItems();
      endUnanswered();
      clearTimeout(timer);
    };
  }, [chat]);
  return (
    <>
      <p class="sr" aria-live="polite">
        {/* An element of its own each time: the same words again are said again. */}
        <span key={said.value.count}>{said.value.text}</span>
      </p>
      <p class="sr" role="alert">
        <span key={alarmed.value.count}>{alarmed.value.text}</span>
      </p>
    </>
  );
}
