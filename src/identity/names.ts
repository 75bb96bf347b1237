import { Invalid } from '../common/errors.js';

// Letters of other alphabets, and digits, that nobody tells from Latin letters at a glance. Not all that Unicode lists: enough for the
// few names below.
const LOOKALIKES = new Map(
  (
    'аa еe оo рp сc уy хx ѕs іi јj ԁd ӏl һh ԛq ԝw ѵv тt мm кk вb нh ' +
    'αa εe οo ρp τt υu ιi νv κk χx γy ηn ɑa ɡg ıi ʟl օo սu հh 0o 1l 3e 5s |l !l @a $s'
  )
    .split(' ')
    .map((pair) => [...pair] as [string, string]),
);

/** How a name looks: compatible forms, case, accents, blanks and what has no width make no difference. */
const looks = (name: string): string =>
  [...name.normalize('NFKD').toLowerCase()]
    .map((letter) => LOOKALIKES.get(letter) ?? letter)
    .join('')
    .replace(/[^\p{L}\p{N}]/gu, '');

/** What the server itself calls people: whoever has erased their account, whom it cannot name, the last of a list; and its own name. */
const RESERVED = new Set(['deleted user', 'somebody', 'parley'].map(looks));
const OTHERS = /^\p{N}+\s*others?$/iu;

/** @throws Invalid where a person would be taken for what the server says of others */
export function assertOwnName(firstName: string, lastName: string): void {
  const [whole, turned] = [looks(`${firstName}${lastName}`), looks(`${lastName}${firstName}`)];
  const isCount = OTHERS.test(displayName(firstName, lastName).normalize('NFKC'));
  if (!isCount && ![whole, turned].some((name) => RESERVED.has(name))) return;
  const sentence = 'is what the server itself calls people. Take a name of your own';
  throw new Invalid(`The name ${sentence}.`, { first_name: [sentence], ...(lastName && { last_name: [sentence] }) });
}

/** As others read it: of two names, or of one. */
export const displayName = (firstName: string, lastName: string): string => `${firstName} ${lastName}`.trim();
