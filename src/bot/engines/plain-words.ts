/**
 * Longest part of a text that the embedded bot looks at, in code points: matching can take time that grows with the square of it,
 * or worse.
 */
export const MAX_WORDS = 500;

export interface PlainWords {
  /** Letters, digits, apostrophes within words, single spaces. */
  text: string;
  /** What the text is made of, as far as that is worth an answer of its own. */
  kind: 'words' | 'foreign' | 'emoji' | 'signs';
}

/**
 * What is left of a text when all is taken away that means something to RiveScript: tags and braces, which would act when a reply
 * repeats them, `$`, which its replacements would expand, and signs that its patterns are made of. Accents on Latin letters go as
 * well, since a word that ends in `é` has no word boundary there for a JavaScript pattern.
 */
export function plainWords(given: string): PlainWords {
  const text = Array.from(given)
    .slice(0, MAX_WORDS)
    .join('')
    .replace(/[\u2018\u2019\u02bc`\u00b4]/g, "'")
    .normalize('NFKD')
    .replace(/(\p{Script=Latin})[\u0300-\u036f]+/gu, '$1')
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}']|\p{Variation_Selector}/gu, ' ')
    .replace(/(?<!\p{L})'|'(?!\p{L})/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  // Once more: a single sign can stand for eighteen letters.
  const words = Array.from(text).slice(0, MAX_WORDS).join('');
  if (/\p{Script=Latin}|\p{N}/u.test(words)) return { text: words, kind: 'words' };
  if (/\p{L}/u.test(words)) return { text: words, kind: 'foreign' };
  const hasEmoji = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(given.slice(0, MAX_WORDS));
  return { text: '', kind: hasEmoji ? 'emoji' : 'signs' };
}

/** A name as a reply may hold it; empty where nothing is left of it. */
export const plainName = (name: string): string =>
  name
    .replace(/[^\p{L}\p{M}\p{N}'’. -]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
