/** By Unicode's list of emoji that are recommended for general interchange, as this version of Node knows it. */
const ONE_EMOJI = new RegExp('^\\p{RGI_Emoji}$', 'v');
/** What is shown as text unless U+FE0F stands behind it. Before the modifier of a skin tone, it needs none. */
const SHOWN_AS_TEXT = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gu;
const VARIATION_16 = '\uFE0F';

/** Longest emoji, in UTF-16 units, with room for those to come: the longest one of Unicode 17 has 15. */
const LONGEST = 32;

/**
 * One emoji in the spelling that Unicode recommends: clients leave U+FE0F out, or put it where it is not needed, and would otherwise have two
 * counts for what looks the same. Undefined where the text is not one emoji.
 */
export function canonicalEmoji(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  if (ONE_EMOJI.test(text)) return text;
  const spelled = text.replaceAll(VARIATION_16, '').replace(SHOWN_AS_TEXT, `$&${VARIATION_16}`);
  return ONE_EMOJI.test(spelled) ? spelled : undefined;
}
