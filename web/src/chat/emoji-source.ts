import type { Source } from './completion.js';

const MOST = 6;

/** `:smi`. The names are a chunk of their own, which most messages never need. */
export const EMOJI: Source = {
  label: 'Emoji',
  // Two letters at least: `:D` and `:p` are faces already, and `10:30` is a time.
  begun: /(?:^|[\s(])(:[a-z0-9_+-]{2,24})$/i,
  find: async (begun) => {
    const { findEmoji, rememberEmoji } = await import('./emoji.js');
    return findEmoji(begun.slice(1))
      .slice(0, MOST)
      .map(({ sign, name }) => ({
        key: sign,
        text: sign,
        picture: sign,
        name,
        onChosen: () => rememberEmoji(sign),
      }));
  },
};
