import { Lexer, type Token, Tokenizer } from 'marked';

/*
 * What a message says, as tokens: marked reads, and never writes. What it should not know is off, and stays the text that it is.
 */

/** Of characters; a longer answer is shown as it is. */
const LONGEST = 64_000;
/** In characters, of all texts that are remembered: those of some screens up and down. */
const MOST_REMEMBERED = 1_000_000;
/** Markers one inside the other at the beginning of a line. Some two thousand of them overflow marked's stack. */
const NESTED = /^[ \t]*(?:>[ \t]?|(?:[*+-]|\d{1,9}[.)])[ \t]+){7}/m;

/**
 * In characters that are looked at in search of the ends of emphasis: marked looks through the rest of a paragraph for each sign that
 * begins some, and a message made of nothing else takes it a second. The signs beyond are text.
 */
const MOST_SEARCHED = 100_000;

/** Deeper than anybody writes; what is deeper is shown as it was written. */
export const DEEPEST = 10;

const none = (): undefined => undefined;

/** For all: no HTML, no definitions, and no code by indenting, which people do for other reasons. */
class OfBot extends Tokenizer {
  override html = none;
  override tag = none;
  override def = none;
  override code = none;

  private searched = 0;
  /** Of emphasis in emphasis. */
  private depth = 0;

  /** Before each text. */
  begin(): this {
    this.searched = 0;
    this.depth = 0;
    return this;
  }

  override emStrong(...args: Parameters<Tokenizer['emStrong']>): ReturnType<Tokenizer['emStrong']> {
    return this.search(args[0], /^[*_]/, () => super.emStrong(...args));
  }

  override del(...args: Parameters<Tokenizer['del']>): ReturnType<Tokenizer['del']> {
    return this.search(args[0], /^~/, () => super.del(...args));
  }

  private search<T extends { readonly raw: string }>(
    src: string,
    sign: RegExp,
    find: () => T | undefined,
  ): T | undefined {
    if (!sign.test(src) || this.searched > MOST_SEARCHED || this.depth >= DEEPEST) return undefined;
    this.depth++;
    const found = find();
    this.depth--;
    this.searched += (found?.raw ?? src).length;
    return found;
  }

  /** `* * *` is no list of nothing in a list of nothing. */
  override list(src: string): ReturnType<Tokenizer['list']> {
    return this.rules.block.hr.test(src) ? undefined : super.list(src);
  }

  /** Also hosts in other letters than a to z, which marked takes for text; and not what follows in scripts that put no blank there. */
  override url(src: string): ReturnType<Tokenizer['url']> {
    if (!/^(?:https?:\/\/|www\.)/i.test(src)) return super.url(src);
    const end = src.search(/[\s<。、，！？；：（）「」『』【】《》]/);
    const run = end < 0 ? src : src.slice(0, end);
    const found = super.url(run);
    let [text] = (found ? undefined : /^https?:\/\/[\p{L}\p{N}].*/iu.exec(run)) ?? [];
    if (text === undefined) return found;
    // A point or a bracket at the end is the sentence's.
    for (let before = ''; before !== text;) {
      before = text;
      text = this.rules.inline._backpedal.exec(text)?.[0] ?? '';
    }
    if (text === '') return undefined;
    return { type: 'link', raw: text, text, href: text, autolink: true, tokens: [{ type: 'text', raw: text, text }] };
  }
}

class OfPeople extends OfBot {
  override heading = none;
  override lheading = none;
  override hr = none;
  override table = none;
}

const BOT = new OfBot();
const PEOPLE = new OfPeople();

/** Not remembered. @returns undefined for what is to be shown as it is */
export function read(text: string, isBot: boolean): readonly Token[] | undefined {
  if (text.length > LONGEST || NESTED.test(text)) return undefined;
  try {
    return new Lexer({ gfm: true, breaks: true, tokenizer: (isBot ? BOT : PEOPLE).begin() }).lex(text);
  } catch {
    // Some text has found what is wrong in the parser. It is still a text.
    return undefined;
  }
}

/** By the text and who wrote it; those used last stand at the end. */
const remembered = new Map<string, readonly Token[] | undefined>();
let size = 0;

/** As `read`, and remembered: messages come into view and leave it many times. */
export function tokensOf(text: string, isBot: boolean): readonly Token[] | undefined {
  const key = (isBot ? 'b' : 'p') + text;
  const isKnown = remembered.has(key);
  const tokens = isKnown ? remembered.get(key) : read(text, isBot);
  if (isKnown) remembered.delete(key);
  else size += key.length;
  remembered.set(key, tokens);
  for (const [oldest] of remembered) {
    if (size <= MOST_REMEMBERED) break;
    remembered.delete(oldest);
    size -= oldest.length;
  }
  return tokens;
}
