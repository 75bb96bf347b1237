import { InvalidArgumentError } from 'commander';

/*
 * What may stand on the command line. Commander calls these before the command begins: a wrong word is one whether a server runs or not.
 */

/** A whole number from 1, as its word; the server knows how large it may be. @throws InvalidArgumentError */
export function wholeNumber(word: string): string {
  if (!/^[1-9]\d{0,14}$/.test(word)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return word;
}

/** The same of an option that is given more than once. @throws InvalidArgumentError */
export const wholeNumbers = (word: string, before: readonly string[]): string[] => [...before, wholeNumber(word)];

/** The id of somebody, or something like a mail address: `personIn` looks closer. @throws InvalidArgumentError */
export function person(word: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(word)) return word;
  try {
    return wholeNumber(word);
  } catch {
    throw new InvalidArgumentError('It is no mail address, and no number of a user.');
  }
}
