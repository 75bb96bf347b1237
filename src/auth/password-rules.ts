import { Inject, Injectable } from '@nestjs/common';
import { dictionary } from '@zxcvbn-ts/language-common';
import { Invalid } from '../common/errors.js';
import { textLength } from '../common/text/text.js';
import { CONFIG, type Config } from '../config/config.js';
import { PASSWORD } from './dto/login.dto.js';
import { oneForm } from '../identity/passwords.js';

/** The user whose names and address a password must not contain. */
export interface NamedPerson {
  email: string;
  firstName: string;
  lastName: string;
}

/** Shorter ones are refused anyway, and are contained in many good passwords. */
const SHORTEST_COMMON = 6;
/** Some 40,000 passwords that are tried first, in lower case. */
const COMMON = new Set(dictionary['passwords-common'].filter((word) => word.length >= SHORTEST_COMMON));
/** Characters that are added to a common password to make it look like another one: `dragon2026`, `!!shadow1`. */
const MOST_ADDED = 4;
/** Shorter names are contained in many words by chance. */
const SHORTEST_NAME = 3;
const SEQUENCES = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  // Rows of keys, in English, German and French.
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
];

/** Refuses new passwords that are easy to guess. Passwords that are in use already can still log in. */
@Injectable()
export class PasswordRules {
  private readonly serverNames: readonly string[];

  constructor(@Inject(CONFIG) { publicUrl }: Config) {
    this.serverNames = ['parley', ...wordsOf(new URL(publicUrl).hostname)];
  }

  /** @throws Invalid, in the same time whatever the address is */
  assertGood(given: string, { email, firstName, lastName }: NamedPerson): void {
    const password = folded(given);
    if (textLength(oneForm(given)) < PASSWORD.min)
      throw refused(`must have at least ${PASSWORD.min} characters, each counted once however it is typed`);
    if (isCommon(password))
      throw refused('is one of those that are tried first, with or without digits at its end. Take several words, say');
    const names = [email, firstName, lastName].flatMap((text) => wordsOf(folded(text)));
    if (isMadeOf(password, [...names, ...this.serverNames]))
      throw refused('is made of your name, your e-mail address or the name of this server. Add words of your own');
  }
}

const refused = (sentence: string) => new Invalid(`The password ${sentence}.`, { password: [sentence] });

const folded = (text: string): string => text.normalize('NFKC').toLowerCase().trim();

const wordsOf = (text: string): string[] =>
  text.split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => Array.from(word).length >= SHORTEST_NAME);

function isCommon(password: string): boolean {
  const core = password.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  const isDecorated = core.length >= SHORTEST_COMMON && password.length - core.length <= MOST_ADDED;
  return (isDecorated ? [password, core] : [password]).some(
    (text) => COMMON.has(text) || isRepetition(text) || isSequence(text),
  );
}

/** One piece of up to four characters, again and again: `aaaaaaaa`, `12341234`. */
const isRepetition = (password: string): boolean => /^(.{1,4}?)\1+$/su.test(password);

const isSequence = (password: string): boolean =>
  SEQUENCES.some((row) => row.includes(password) || [...row].reverse().join('').includes(password));

/** Without the names, nothing is left but a few digits and signs. */
function isMadeOf(password: string, names: readonly string[]): boolean {
  // The longest first: `ada` is a part of `adalbert`.
  const rest = [...new Set(names)]
    .sort((a, b) => b.length - a.length)
    .reduce((left, name) => left.replaceAll(name, ''), password);
  return rest !== password && !/[\p{L}\p{M}]/u.test(rest) && Array.from(rest).length < PASSWORD.min;
}
