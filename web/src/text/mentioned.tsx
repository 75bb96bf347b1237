import { type ComponentChildren, createContext } from 'preact';

/** Somebody whom a message names, as its text may call them: `Ada Lovelace`, `Ada`; and `everyone`. */
export interface MentionName {
  readonly name: string;
  readonly isMe: boolean;
}

/** Who is named in the text that is drawn below. */
export const Mentioned = createContext<readonly MentionName[]>([]);

const LETTER = String.raw`[\p{L}\p{M}\p{N}_]`;
/** What means something else in a regular expression. */
const SIGNS = /[\\^$.*+?()[\]{}|/]/g;

/** The text with each `@name` of those who are named as an element; all else stays text. */
export function withMentions(text: string, names: readonly MentionName[]): ComponentChildren {
  if (names.length === 0 || !text.includes('@')) return text;
  const isMe = new Map<string, boolean>();
  // Two who are named may share a first name.
  for (const { name, isMe: mine } of names) if (name !== '') isMe.set(name, mine || isMe.get(name) === true);
  // The longest first: the whole name rather than its first word.
  const longest = [...isMe.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(SIGNS, '\\$&'));
  // Neither within an address nor at the beginning of a longer word.
  const named = new RegExp(`(?<!${LETTER})@(${longest.join('|')})(?!${LETTER})`, 'gu');
  const pieces: ComponentChildren[] = [];
  let from = 0;
  for (const { 0: all, 1: name = '', index } of text.matchAll(named)) {
    pieces.push(text.slice(from, index), <span class={isMe.get(name) ? 'mention of-me' : 'mention'}>{all}</span>);
    from = index + all.length;
  }
  return [...pieces, text.slice(from)];
}
