import { invalid } from './refusal.js';

/*
 * What the server makes of texts: their length, names, addresses, passwords and dates. Two things are simpler here, since no test of
 * an application hangs on them: the list of common passwords is short, and letters that look alike are not told apart in names.
 */

/** Length as people count it: code points, without white space at the ends. */
export const textLength = (text: string): number => Array.from(text.trim()).length;

/** No half of a surrogate pair, which UTF-8 cannot hold. */
export const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text);

// Control characters, line and paragraph separators, bidirectional controls, and halves of surrogate pairs.
// oxlint-disable-next-line no-control-regex
const NOT_IN_A_NAME = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const SEEN =
  /[^\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{1d159}\u{13441}\u{13442}\ufffc]/u;

/** Whether somebody who looks at the text sees anything. */
export const isVisible = (text: string): boolean => SEEN.test(text);

/** Whether it can stand in one line of a list. */
export const isPlainName = (text: string): boolean => !NOT_IN_A_NAME.test(text) && isVisible(text);

export const displayName = (firstName: string, lastName: string): string => `${firstName} ${lastName}`.trim();

/* ------------------------------------------------------------------------------------------------------------------- Searching */

const PLAIN: Readonly<Record<string, string>> = {
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
const ACCENTS = /(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu;

const withoutAccents = (text: string): string => text.normalize('NFKD').replace(ACCENTS, '');

/** A name as it is searched: no case, accents, widths, or choice of apostrophes, dashes and blanks make a difference. */
export const fold = (text: string): string =>
  withoutAccents(
    withoutAccents(
      text
        .replace(/[\u0060\u00b4\u02bb\u02bc\u2018\u2019\u2032\uff07]/g, "'")
        .replace(/\p{Pd}/gu, '-')
        .replace(/\p{Default_Ignorable_Code_Point}/gu, ''),
    )
      .toLowerCase()
      .toUpperCase()
      .toLowerCase(),
  )
    .replace(/ς/g, 'σ')
    .replace(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter)
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .trim();

/* ---------------------------------------------------------------------------------------------------------------------- Names */

const looks = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
/** What the server itself calls people. */
const RESERVED = new Set(['deleteduser', 'somebody', 'parley']);
const OTHERS = /^\p{N}+\s*others?$/iu;

/** @throws Refusal where a person would be taken for what the server says of others */
export function assertOwnName(firstName: string, lastName: string): void {
  const isReserved = [`${firstName}${lastName}`, `${lastName}${firstName}`].some((name) => RESERVED.has(looks(name)));
  if (!isReserved && !OTHERS.test(displayName(firstName, lastName).normalize('NFKC'))) return;
  const sentence = 'is what the server itself calls people. Take a name of your own';
  throw invalid(`The name ${sentence}.`, { first_name: [sentence], ...(lastName && { last_name: [sentence] }) });
}

/* ------------------------------------------------------------------------------------------------------------------ Addresses */

/** One spelling for one mailbox: lower case, the domain in punycode. */
export function normalEmail(given: string): string {
  const address = given.trim();
  const at = address.lastIndexOf('@');
  if (at < 0 || /[\s/\\?#%:@]/.test(address.slice(at + 1))) return address;
  const host = `http://${address.slice(at + 1)}`;
  const domain = URL.canParse(host) ? new URL(host).hostname : '';
  return `${address.slice(0, at).toLowerCase()}@${domain}`;
}

export const isMailbox = (text: string): boolean =>
  text.length <= 254 &&
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(
    text,
  );

/* ------------------------------------------------------------------------------------------------------------------ Passwords */

export const PASSWORD = { min: 8, max: 128 };
const MOST_ADDED = 4;
const SHORTEST_NAME = 3;
/** Of the some 40,000 that the server knows. */
const COMMON = new Set(
  'password passw0rd iloveyou sunshine princess football baseball superman batman dragon monkey shadow master letmein welcome michael trustno1'.split(
    ' ',
  ),
);
const SEQUENCES = ['abcdefghijklmnopqrstuvwxyz', '01234567890123456789', 'qwertyuiopasdfghjklzxcvbnm'];

const wordsOf = (text: string): string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => Array.from(word).length >= SHORTEST_NAME);

function isCommon(password: string): boolean {
  const core = password.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  const isDecorated = core.length >= 6 && password.length - core.length <= MOST_ADDED;
  return (isDecorated ? [password, core] : [password]).some(
    (text) =>
      COMMON.has(text) ||
      /^(.{1,4}?)\1+$/su.test(text) ||
      SEQUENCES.some((row) => row.includes(text) || [...row].reverse().join('').includes(text)),
  );
}

function isMadeOf(password: string, names: readonly string[]): boolean {
  const rest = [...new Set(names)]
    .sort((a, b) => b.length - a.length)
    .reduce((left, name) => left.replaceAll(name, ''), password);
  return rest !== password && !/[\p{L}\p{M}]/u.test(rest) && Array.from(rest).length < PASSWORD.min;
}

/** @param names the address and names of whoever chooses it, and the server's @throws Refusal */
export function assertGoodPassword(given: string, names: readonly string[]): void {
  const password = given.normalize('NFKC').toLowerCase().trim();
  const refused = (sentence: string) => invalid(`The password ${sentence}.`, { password: [sentence] });
  if (textLength(given.normalize('NFC')) < PASSWORD.min)
    throw refused(`must have at least ${PASSWORD.min} characters, each counted once however it is typed`);
  if (isCommon(password))
    throw refused('is one of those that are tried first, with or without digits at its end. Take several words, say');
  if (isMadeOf(password, [...names, 'parley'].flatMap(wordsOf)))
    throw refused('is made of your name, your e-mail address or the name of this server. Add words of your own');
}

/* ---------------------------------------------------------------------------------------------------------------------- Dates */

const DATE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})$/;

/** An ISO 8601 date with a zone, in milliseconds; undefined where it is none. Parts of a millisecond are rounded up. */
export function readMoment(text: string): number | undefined {
  const written = text.replace(/ (?=\d{2}:?\d{2}$)/, '+');
  const match = DATE.exec(written);
  if (!match) return undefined;
  const time = new Date(written.replace(/([+-]\d{2})(\d{2})$/, '$1:$2')).getTime();
  const lastDay = new Date(Date.UTC(Number(match[1]), Number(match[2]), 0)).getUTCDate();
  if (Number.isNaN(time) || Number(match[3]) > lastDay) return undefined;
  return /[1-9]/.test(match[7]?.slice(3) ?? '') ? time + 1 : time;
}

export const iso = (time: number): string => new Date(time).toISOString();
