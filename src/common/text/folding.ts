/** Letters with a stroke or of two letters, which Unicode does not take apart. */
const PLAIN: Record<string, string> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ŧ: 't',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
};
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'g');

// In other scripts marks are vowels, or make another letter.
const ACCENTS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu;

const withoutAccents = (text: string): string => text.normalize('NFKD').replace(ACCENTS, '');

/**
 * The form of a text that is searched: case, accents, widths, and the choice of apostrophes, dashes and blanks make no difference. Upper case
 * first, which makes SS of ß, I of ı and Σ of ς. Folded names are stored: a change of this function needs a migration that folds them anew.
 */
export const fold = (text: string): string =>
  withoutAccents(
    withoutAccents(
      text
        .replace(/[\u0060\u00b4\u02bb\u02bc\u2018\u2019\u2032\uff07]/g, "'")
        .replace(/\p{Pd}/gu, '-')
        .replace(/\p{Default_Ignorable_Code_Point}/gu, ''),
    )
      // Twice: ẞ has no upper case of its own.
      .toLowerCase()
      .toUpperCase()
      .toLowerCase(),
  )
    .replace(/ς/g, 'σ')
    .replace(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter)
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .trim();
