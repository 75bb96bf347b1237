import type { MessageItem } from 'parley-client';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { isPhone } from '../parts/media.js';
import { placeBeside } from '../parts/menu.js';
import { EmojiPicker } from './emoji-picker-lazily.js';
import { react } from './reactions.js';
import type { View } from './view.js';

/** The emoji to react with: beside the message, or at the bottom of a phone's screen. */
export function ReactionPicker({ view, item, opener }: { view: View; item: MessageItem; opener: HTMLElement }) {
  const scrim = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!isPhone.peek()) placeBeside(box.current!, opener);
  }, []);
  const close = (): void => {
    view.pickingFor.value = undefined;
  };
  return (
    <div
      class="scrim"
      ref={scrim}
      onClick={(event) => {
        if (event.target === scrim.current) close();
      }}
    >
      <div class="at-message" ref={box}>
        <EmojiPicker onPick={(emoji: string) => react(view, item, emoji, true)} onClose={close} />
      </div>
    </div>
  );
}
