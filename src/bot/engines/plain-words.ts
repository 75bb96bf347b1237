/**
 * Longest part of a text that the embedded bot reads, in code points: the time of matching can grow with its square, or worse.
 */
export const MAX_WORDS = 500;

export interface PlainWords {
  /** Letters, digits, apostrophes within words, single spaces. */
  text: string;
  /** The kind of text, where that gets an answer of its own. */
  kind: 'words' | 'foreign' | 'emoji' | 'signs';
}

/**
 * A text without everything that has a meaning in RiveScript: tags and braces, which would be executed when a reply repeats them, `$`, which
 * replacements would expand, and the signs of its patterns. Accents on Latin letters are removed as well, since JavaScript patterns see no
 * word boundary after a word that ends in `é`.
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
  // Cut once more: a single character can expand to eighteen letters.
  const words = Array.from(text).slice(0, MAX_WORDS).join('');
  if (/\p{Script=Latin}|\p{N}/u.test(words)) return { text: words, kind: 'words' };
  if (/\p{L}/u.test(words)) return { text: words, kind: 'foreign' };
  const hasEmoji = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(given.slice(0, MAX_WORDS));
  return { text: '', kind: hasEmoji ? 'emoji' : 'signs' };
}

/** A name in a form that is safe in a reply; empty where nothing is left of it. */
export const plainName = (name: string): string =>
  name
    .replace(/[^\p{L}\p{M}\p{N}'’. -]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
