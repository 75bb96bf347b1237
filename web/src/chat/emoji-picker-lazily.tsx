import { lazily } from '../parts/lazy.js';

/** Loaded when it is first opened: most messages need no emoji. */
export const EmojiPicker = lazily(
  () => import('./emoji-picker.js').then((module) => module.EmojiPicker),
  () => (
    <p class="emoji none-found" role="alert">
      The emoji could not be loaded. They are tried again by themselves.
    </p>
  ),
);
