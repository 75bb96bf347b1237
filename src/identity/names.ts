import { Invalid } from '../common/errors.js';

// Letters of other alphabets, and digits, that look like Latin letters at a glance. Not all that Unicode lists: enough for the few names
// below.
const LOOKALIKES = new Map(
  (
    'аa еe оo рp сc уy хx ѕs іi јj ԁd ӏl һh ԛq ԝw ѵv тt мm кk вb нh ' +
    'αa εe οo ρp τt υu ιi νv κk χx γy ηn ɑa ɡg ıi ʟl օo սu հh 0o 1l 3e 5s |l !l @a $s'
  )
    .split(' ')
    .map((pair) => [...pair] as [string, string]),
);

/** What a name looks like: compatible forms, case, accents, blanks and characters without width make no difference. */
const looks = (name: string): string =>
  [...name.normalize('NFKD').toLowerCase()]
    .map((letter) => LOOKALIKES.get(letter) ?? letter)
    .join('')
    .replace(/[^\p{L}\p{N}]/gu, '');

/** Names that the server uses in its own sentences: for erased accounts, for users without a name, for "and others"; and its own name. */
const RESERVED = new Set(['deleted user', 'somebody', 'parley'].map(looks));
const OTHERS = /^\p{N}+\s*others?$/iu;

/** @throws Invalid where the name could be taken for one of these */
export function assertOwnName(firstName: string, lastName: string): void {
  const [whole, turned] = [looks(`${firstName}${lastName}`), looks(`${lastName}${firstName}`)];
  const isCount = OTHERS.test(displayName(firstName, lastName).normalize('NFKC'));
  if (!isCount && ![whole, turned].some((name) => RESERVED.has(name))) return;
  const sentence = 'is what the server itself calls people. Take a name of your own';
  throw new Invalid(`The name ${sentence}.`, { first_name: [sentence], ...(lastName && { last_name: [sentence] }) });
}

/** The name as others see it, also where one of the two is empty. */
export const displayName = (firstName: string, lastName: string): string => `${firstName} ${lastName}`.trim();
