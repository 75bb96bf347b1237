import type { Token, Tokens } from 'marked';
import { tokensOf } from './tokens.js';

const MOST = 160;
/** In characters: enough for a line, whatever markup stands in it. */
const READ = 4 * MOST;

/** A message as a line of a list: its words as they are drawn, without breaks and without the signs of its markup. */
export function oneLine(text: string, isBot = false): string {
  const beginning = text.slice(0, READ);
  const tokens = tokensOf(beginning, isBot);
  return (tokens ? words(tokens, isBot) : beginning).replace(/\s+/g, ' ').trim().slice(0, MOST).replace(HALF, '');
}

/** Of a pair, whose other half was cut off. */
const HALF = /[\uD800-\uDBFF]$/;

const words = (tokens: readonly Token[], isBot: boolean): string => tokens.map((token) => said(token, isBot)).join('');

function said(token: Token, isBot: boolean): string {
  switch (token.type) {
    case 'strong':
    case 'em':
    case 'del':
    case 'link':
      return words(token.tokens ?? [], isBot);
    case 'codespan':
      return (token as Tokens.Codespan).text;
    case 'escape':
      return isBot ? (token as Tokens.Escape).text : token.raw;
    case 'image':
      return (token as Tokens.Image).text || (token as Tokens.Image).href;
    case 'text':
      return token.tokens ? `${words(token.tokens, isBot)} ` : token.raw;
    case 'paragraph':
    case 'heading':
    case 'blockquote':
      return line(words(token.tokens ?? [], isBot), token);
    case 'code':
      return `${(token as Tokens.Code).text || token.raw} `;
    case 'list':
      return line((token as Tokens.List).items.map((item) => numbered(item, isBot)).join(''), token);
    case 'table':
      return [(token as Tokens.Table).header, ...(token as Tokens.Table).rows]
        .flat()
        .map((cell) => `${words(cell.tokens, isBot)} `)
        .join('');
    // Rules say nothing.
    case 'hr':
      return ' ';
    default:
      return token.raw;
  }
}

/** What says nothing is drawn as it is, too. */
const line = (text: string, { raw }: Token): string => `${text.trim() === '' ? raw : text} `;

const NUMBER = /^\s*(\d{1,9}[.)] )/;

const numbered = ({ raw, tokens }: Tokens.ListItem, isBot: boolean): string => {
  const text = words(tokens, isBot);
  return text.trim() === '' ? '' : `${NUMBER.exec(raw)?.[1] ?? ''}${text} `;
};
