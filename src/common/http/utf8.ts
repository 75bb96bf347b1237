import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { DomainError, Invalid } from '../errors.js';

/** The text of a body. Node would put U+FFFD where bytes are no UTF-8: three different passwords would be one. @throws Invalid */
export function textOfBody(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw bodyIsNotUtf8();
  return bytes.toString();
}

/** How many bytes at the end of a piece, 0 to 3, begin a character that goes on in the next one. */
export function bytesBegun(piece: Buffer): number {
  for (let back = 1; back <= Math.min(3, piece.length); back++) {
    const byte = piece.readUInt8(piece.length - back);
    const isContinued = (byte & 0xc0) === 0x80;
    if (isContinued) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

export const bodyIsNotUtf8 = (): DomainError => new Invalid('The body must be UTF-8. Nothing was done.');

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;
/** What is UTF-8 already; ASCII is a part of it. */
const CHARSETS = /^(utf-?8|us-ascii)$/i;

/** A body in another charset, or compressed, would not be what it looks like: it is refused before it is read. */
export function refusalOfEncoding(headers: IncomingHttpHeaders): DomainError | undefined {
  const [, charset] = CHARSET.exec(headers['content-type'] ?? '') ?? [];
  const encoding = headers['content-encoding'] ?? 'identity';
  if ((charset === undefined || CHARSETS.test(charset)) && /^\s*(identity)?\s*$/i.test(encoding)) return undefined;
  const sentence = 'Send the body as UTF-8, without another charset and without a content-encoding.';
  return new DomainError('unsupported_media_type', 'unsupported_media_type', sentence);
}

/**
 * Path and query are ASCII, and everything else in them is percent-encoded UTF-8: what is not would be taken for other letters, or for
 * the text of the encoding itself.
 */
export const isUtf8Url = (url: string): boolean => isAscii(url) && (!url.includes('%') || isDecodable(url));

/** A form's fields, percent-encoded by the browser. @throws Invalid */
export function assertUtf8Form(text: string): void {
  if (!isDecodable(text)) throw bodyIsNotUtf8();
}

// oxlint-disable-next-line no-control-regex
const isAscii = (text: string): boolean => !/[^\x00-\x7f]/.test(text);

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
