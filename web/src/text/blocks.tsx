import type { Token, Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { CodeBlock } from './code-block.js';
import { Inline } from './inline.js';
import { Mentioned, withMentions } from './mentioned.js';
import { DEEPEST } from './tokens.js';

interface BlocksProps {
  /** Undefined: as it is. */
  readonly tokens: readonly Token[] | undefined;
  readonly text: string;
  readonly isBot: boolean;
  readonly end?: ComponentChildren;
}

/** Each has the direction of what it says: an Arabic paragraph may follow an English one. */
export function Blocks({ tokens, text, isBot, end }: BlocksProps) {
  const blocks = tokens?.filter(({ type }) => type !== 'space') ?? [];
  if (blocks.length > 0) return <>{sequence(blocks, { isBot, depth: 0, isTop: true }, end)}</>;
  return text.trim() === '' && end === undefined ? null : <Raw text={text.trim()} end={end} isTop />;
}

interface Place {
  readonly isBot: boolean;
  readonly depth: number;
  /** What stands in a quote or a list has the direction of the whole; the style sheet turns single lines. */
  readonly isTop: boolean;
}

const inside = (place: Place): Place => ({ ...place, depth: place.depth + 1, isTop: false });

function sequence(tokens: readonly Token[], place: Place, end: ComponentChildren): ComponentChildren[] {
  const blocks = tokens.filter(({ type }) => type !== 'space');
  if (blocks.length === 0) return [end];
  return blocks.map((token, index) => block(token, place, index === blocks.length - 1 ? end : undefined));
}

function block(token: Token, place: Place, end: ComponentChildren): ComponentChildren {
  const { isBot, depth, isTop } = place;
  const dir = isTop ? 'auto' : undefined;
  if (depth >= DEEPEST) return <Raw text={token.raw} end={end} isTop={isTop} />;
  const one = token as Tokens.Generic;
  switch (token.type) {
    case 'paragraph':
      return (
        <p dir={dir} class={isTop && isFewEmoji(one['text'] as string) ? 'large' : undefined}>
          <Inline tokens={one.tokens ?? []} isBot={isBot} />
          {end}
        </p>
      );
    // Of a list that has no blank lines: its items are no paragraphs.
    case 'text':
      return (
        <>
          <Inline tokens={one.tokens ?? [token]} isBot={isBot} />
          {end}
        </>
      );
    // As it was written: nobody can tick it.
    case 'checkbox':
      return [token.raw, end];
    case 'heading':
      if (!isBot) break;
      return (
        <p dir={dir}>
          <strong>
            <Inline tokens={one.tokens ?? []} isBot />
          </strong>
          {end}
        </p>
      );
    case 'code': {
      const { text, lang } = token as Tokens.Code;
      if (text === '') break;
      return <CodeBlock text={text} language={lang ?? ''} end={end} />;
    }
    case 'blockquote':
      if (one.tokens!.every(({ type }) => type === 'space')) break;
      return <blockquote dir={dir}>{sequence(one.tokens!, inside(place), end)}</blockquote>;
    case 'list':
      if ((token as Tokens.List).items.every(({ text }) => text === '')) break;
      return list(token as Tokens.List, place, end);
    case 'hr':
      if (!isBot) break;
      return end === undefined ? (
        <hr />
      ) : (
        <>
          <hr />
          <p>{end}</p>
        </>
      );
    case 'table':
      if (!isBot || !isWhole(token as Tokens.Table)) break;
      return (
        <>
          <Table token={token as Tokens.Table} isTop={isTop} />
          {end !== undefined && <p>{end}</p>}
        </>
      );
    default:
  }
  return <Raw text={token.raw.trim()} end={end} isTop={isTop} />;
}

function Raw({ text, end, isTop }: { text: string; end: ComponentChildren; isTop: boolean }) {
  const names = useContext(Mentioned);
  return (
    <p class="plain" dir={isTop ? 'auto' : undefined}>
      {withMentions(text, names)}
      {end}
    </p>
  );
}

const NUMBER = /^\s*(\d{1,9})[.)]/;

function list({ ordered, items, start }: Tokens.List, place: Place, end: ComponentChildren): ComponentChildren {
  const dir = place.isTop ? 'auto' : undefined;
  // As people wrote them; those of models are often all 1.
  const numbers = ordered
    ? items.map(({ raw }, index) => (place.isBot ? Number(start) + index : Number(NUMBER.exec(raw)?.[1] ?? index + 1)))
    : undefined;
  const rows = items.map(({ tokens }, index) => (
    <li key={index} value={numbers?.[index]}>
      {sequence(tokens, inside(place), index === items.length - 1 ? end : undefined)}
    </li>
  ));
  if (!numbers)
    return (
      <ul class="md" dir={dir}>
        {rows}
      </ul>
    );
  const digits = String(Math.max(...numbers)).length;
  return (
    <ol class={digits > 4 ? 'md widest' : digits > 2 ? 'md wide' : 'md'} dir={dir}>
      {rows}
    </ol>
  );
}

const letters = (text: string): number => text.replace(/[\s|\\]/g, '').length;

/** Markdown drops the cells of a row that is longer than the first. */
function isWhole({ raw, header, rows }: Tokens.Table): boolean {
  const lines = raw
    .trim()
    .split('\n')
    .filter((_line, index) => index !== 1);
  const cells = [header, ...rows].flat().map(({ text }) => text);
  return letters(lines.join('')) === letters(cells.join(''));
}

const ALIGN = { left: undefined, center: 'to-center', right: 'to-end' } as const;

/** In a box with its own scroll, which those without a mouse reach too. */
function Table({ token: { header, rows }, isTop }: { token: Tokens.Table; isTop: boolean }) {
  const cell = ({ tokens, align }: Tokens.TableCell, index: number, isHead: boolean): ComponentChildren => {
    const Cell = isHead ? 'th' : 'td';
    return (
      <Cell key={index} class={align ? ALIGN[align] : undefined}>
        <Inline tokens={tokens} isBot />
      </Cell>
    );
  };
  return (
    <div class="table" tabIndex={0} role="region" aria-label="Table" dir={isTop ? 'auto' : undefined}>
      <table>
        <thead>
          <tr>{header.map((one, index) => cell(one, index, true))}</tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>{row.map((one, index) => cell(one, index, false))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const EMOJI =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]|\p{Regional_Indicator}{2}|[\d#*]\uFE0F?\u20E3)/u;
const MOST_EMOJI = 3;
/** More than three of the longest take. */
const MOST_UNITS = 60;

/** One to three, and nothing else. */
export function isFewEmoji(text: string): boolean {
  if (text.length > MOST_UNITS) return false;
  const signs = [...GRAPHEMES.segment(text)].map(({ segment }) => segment).filter((segment) => segment.trim() !== '');
  return signs.length > 0 && signs.length <= MOST_EMOJI && signs.every((sign) => EMOJI.test(sign));
}
