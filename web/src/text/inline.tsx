import type { Token, Tokens } from 'marked';
import type { ComponentChildren } from 'preact';
import { BASE, parse } from '../router.js';
import { namesAnother, realHost, safeUrl, shown } from './address.js';
import { DEEPEST } from './tokens.js';

interface InlineProps {
  readonly tokens: readonly Token[];
  readonly isBot: boolean;
}

export const Inline = ({ tokens, isBot }: InlineProps) => <>{tokens.map((token) => piece(token, isBot, 0))}</>;

function piece(token: Token, isBot: boolean, depth: number): ComponentChildren {
  const one = token as Tokens.Generic;
  if (depth >= DEEPEST) return token.raw;
  const inner = (): ComponentChildren => one.tokens?.map((child) => piece(child, isBot, depth + 1));
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
      return link(token as Tokens.Link, inner);
    case 'image':
      return image(token as Tokens.Image);
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

/** A conversation, the list or the settings; not what belongs to a mail, as a new password. */
function isOwnPage(url: URL): boolean {
  if (url.origin !== location.origin || !url.pathname.startsWith(BASE)) return false;
  const { at } = parse(url.pathname.slice(BASE.length), url.searchParams);
  return at === 'chat' || at === 'list' || at === 'settings';
}
