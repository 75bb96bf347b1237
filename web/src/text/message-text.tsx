import type { Token } from 'marked';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { memo } from '../parts/memo.js';
import { Blocks } from './blocks.js';
import { closed, settledUntil } from './forming.js';
import { type MentionName, Mentioned } from './mentioned.js';
import { read, tokensOf } from './tokens.js';

interface MessageTextProps {
  readonly text: string;
  /** The bot may say more: headings, tables, rules. */
  readonly isBot: boolean;
  /** More of it may come. */
  readonly isForming?: boolean;
  /** Whom it names, as `useMentionNames` gives them: where its text calls one of them, that is drawn as a mention. */
  readonly mentions?: readonly MentionName[];
  /** What stands behind the last word, in its line: a caret, `edited`. */
  readonly end?: ComponentChildren;
}

/** A message as its writer meant it: elements made of tokens. There is no HTML anywhere that could be something else than it seems. */
export function MessageText({ text, isBot, isForming = false, mentions = NOBODY, end }: MessageTextProps) {
  if (isForming) return <Forming text={text} isBot={isBot} end={end} />;
  return (
    <Mentioned.Provider value={mentions}>
      <Blocks tokens={tokensOf(text, isBot)} text={text} isBot={isBot} end={end} />
    </Mentioned.Provider>
  );
}

const NOBODY: readonly MentionName[] = [];

interface Settled {
  /** Of the answer's beginning: all of it that is in the parts. */
  readonly head: string;
  readonly parts: readonly { readonly text: string; readonly tokens: readonly Token[] | undefined }[];
}

const NOTHING: Settled = { head: '', parts: [] };

function Forming({ text, isBot, end }: Pick<MessageTextProps, 'text' | 'isBot' | 'end'>) {
  const shown = useEachFrame(text);
  const settled = useRef(NOTHING);
  // An answer that began anew is another text.
  if (!shown.startsWith(settled.current.head)) settled.current = NOTHING;
  const { head, parts } = settled.current;
  const until = settledUntil(shown, head.length);
  if (until > head.length) {
    const part = shown.slice(head.length, until);
    settled.current = { head: shown.slice(0, until), parts: [...parts, { text: part, tokens: read(part, isBot) }] };
  }
  const tail = closed(shown.slice(until));
  return (
    <>
      {settled.current.parts.map((part, index) => (
        <SettledBlocks key={index} {...part} isBot={isBot} />
      ))}
      <Blocks tokens={read(tail, isBot)} text={tail} isBot={isBot} end={end} />
    </>
  );
}

const SettledBlocks = memo(Blocks);

/** The text of the latest frame: more of it may come many times in between. */
function useEachFrame(text: string): string {
  const [shown, show] = useState(text);
  const latest = useRef(text);
  latest.current = text;
  const frame = useRef(0);
  useLayoutEffect(() => {
    if (text === shown || frame.current !== 0) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      show(latest.current);
    });
  });
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  return shown;
}
