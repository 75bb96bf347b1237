/*
 * What a link says of where it leads, and where it does lead.
 */

const PROTOCOLS = new Set(['http:', 'https:', 'mailto:']);

/** Undefined for what must not be a link: other protocols, and what is no whole address. */
export function safeUrl(href: string): URL | undefined {
  const url = URL.canParse(href) ? new URL(href) : undefined;
  return url && PROTOCOLS.has(url.protocol) ? url : undefined;
}

/** Where it leads, in the letters that the network uses: `xn--…` for others than a to z. */
export const realHost = (url: URL): string => (url.protocol === 'mailto:' ? url.pathname : url.host);

const LONGEST = 60;
/** Of the end, which often says what it is. */
const END = 24;

/** An address without a text of its own, as it was written: shortened in the middle, but never in the name of its host. */
export function shown(written: string, url: URL): string {
  // What cannot be seen, or turns the direction, could make it look like another.
  const text = /\p{Cf}|\p{Cc}/u.test(written) ? url.href : written;
  const [before = '', host = ''] = HOST.exec(text)?.slice(1) ?? [];
  const honest = isMixed(host) ? before + url.hostname + text.slice(before.length + host.length) : text;
  const letters = [...honest];
  if (letters.length <= LONGEST) return honest;
  const upToHost = [...(HOST.exec(honest)?.[0] ?? '')].length;
  const head = Math.max(LONGEST - END - 1, upToHost);
  return head + END >= letters.length ? honest : `${letters.slice(0, head).join('')}…${letters.slice(-END).join('')}`;
}

/** What stands before the name of the host, and the name. */
const HOST = /^((?:[a-z][a-z\d+.-]*:)?(?:\/\/)?(?:[^/?#@]*@)?)([^/?#:@]*)/i;

/** Whether who reads `text` would expect to come somewhere else. */
export function namesAnother(text: string, url: URL): boolean {
  const clean = text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replaceAll('。', '.')
    .trim();
  if (url.protocol === 'mailto:') return hosts(clean).length > 0 && clean.replace(/^mailto:/i, '') !== url.pathname;
  if (url.username !== '' || url.password !== '') return true;
  // One address is its host alone: what stands behind it may look like one (`/notes.txt`).
  const whole = /^(?:https?:\/\/)?([^\s/?#@:]+\.[^\s/?#@:.]{2,})(?::\d+)?(?:[/?#]\S*)?$/i.exec(clean)?.[1];
  return (whole === undefined ? hosts(clean) : [whole]).some(
    (host) => isMixed(host) || ascii(host) !== withoutWww(url.hostname),
  );
}

const withoutWww = (host: string): string => host.replace(/^www\./, '');

function ascii(host: string): string | undefined {
  const address = `http://${host}`;
  return URL.canParse(address) ? withoutWww(new URL(address).hostname) : undefined;
}

/** The words that could be names of hosts. */
const hosts = (text: string): string[] =>
  text.split(/[^\p{L}\p{M}\p{N}.-]+/u).filter((word) => /[^.]\.[\p{L}\p{M}\d-]{2,}$/u.test(word.replace(/\.+$/, '')));

const SCRIPTS = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}]/u,
  /\p{Script=Arabic}/u,
  /\p{Script=Hebrew}/u,
];

/** Letters of several scripts in one name, as in a Cyrillic а in apple.com: some look the same. */
export function isMixed(host: string): boolean {
  const scripts = new Set([...host].filter((char) => /\p{L}/u.test(char)).map(scriptOf));
  return scripts.size > 1;
}

const scriptOf = (char: string): number => SCRIPTS.findIndex((script) => script.test(char));
