import type { Token, Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { BASE, parse } from '../router.js';
import { namesAnother, realHost, safeUrl, shown } from './address.js';
import { type MentionName, Mentioned, withMentions } from './mentioned.js';
import { DEEPEST } from './tokens.js';

interface InlineProps {
  readonly tokens: readonly Token[];
  readonly isBot: boolean;
}

export function Inline({ tokens, isBot }: InlineProps) {
  const names = useContext(Mentioned);
  return <>{tokens.map((token) => piece(token, { isBot, names }, 0))}</>;
}

interface Within {
  readonly isBot: boolean;
  readonly names: readonly MentionName[];
}

function piece(token: Token, within: Within, depth: number): ComponentChildren {
  const { isBot, names } = within;
  const one = token as Tokens.Generic;
  if (depth >= DEEPEST) return token.raw;
  const inner = (): ComponentChildren => one.tokens?.map((child) => piece(child, within, depth + 1));
  switch (token.type) {
    case 'strong':
      return <strong>{inner()}</strong>;
    case 'em':
      return <em>{inner()}</em>;
    case 'del':
      return <del>{inner()}</del>;
    case 'codespan':
      return <code>{one['text'] as string}</code>;
    case 'br':
      // People end lines with paths: `C:\`.
      return !isBot && token.raw.startsWith('\\') ? ['\\', <br />] : <br />;
    case 'escape':
      // Models write `\*`; people write ¯\_(ツ)_/¯ and paths, and mean it.
      return isBot ? (one['text'] as string) : token.raw;
    case 'link':
      return link(token as Tokens.Link, () =>
        one.tokens?.map((child) => piece(child, { isBot, names: [] }, depth + 1)),
      );
    case 'image':
      return image(token as Tokens.Image);
    case 'text':
      return withMentions(token.raw, names);
    // As it was written, also where marked reads `&#42;` as a star.
    default:
      return token.raw;
  }
}

function link(token: Tokens.Link, inner: () => ComponentChildren): ComponentChildren {
  const url = safeUrl(token.href);
  if (!url) return token.raw;
  const text = token.autolink ? shown(token.text, url) : token.text;
  return (
    <>
      <Anchor url={url} title={token.title || undefined}>
        {token.autolink ? text : inner()}
      </Anchor>
      {namesAnother(text, url) && <bdi class="leads"> ({realHost(url)})</bdi>}
    </>
  );
}

/** Nothing is loaded from elsewhere: it would tell others who reads what, and when. */
function image({ href, text, raw }: Tokens.Image): ComponentChildren {
  const url = safeUrl(href);
  if (!url) return raw;
  const says = text.trim() === '' || text === href ? '' : `${text} `;
  return (
    <>
      {says}
      <Anchor url={url}>{shown(href, url)}</Anchor>
    </>
  );
}

interface AnchorProps {
  readonly url: URL;
  readonly title?: string | undefined;
  readonly children: ComponentChildren;
}

/** The router opens links to the app's own pages in place. */
const Anchor = ({ url, title, children }: AnchorProps) =>
  isOwnPage(url) ? (
    <a href={url.href} title={title}>
      {children}
    </a>
  ) : (
    <a href={url.href} title={title} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );

/** A conversation, the list, the mentions or the settings; not what belongs to a mail, as a new password. */
function isOwnPage(url: URL): boolean {
  if (url.origin !== location.origin || !url.pathname.startsWith(BASE)) return false;
  const { at } = parse(url.pathname.slice(BASE.length), url.searchParams);
  return at === 'chat' || at === 'list' || at === 'mentions' || at === 'settings';
}
