import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { DomainError, Invalid } from '../errors.js';

/** The text of a body. Node would put U+FFFD where bytes are no UTF-8, so that different passwords would be the same. @throws Invalid */
export function textOfBody(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw bodyIsNotUtf8();
  return bytes.toString();
}

/** How many bytes at the end of a chunk, 0 to 3, begin a character that goes on in the next chunk. */
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
/** Charsets that are UTF-8; ASCII is a subset of it. */
const CHARSETS = /^(utf-?8|us-ascii)$/i;

/** Bodies in another charset, and compressed ones, are refused before they are read. */
export function refusalOfEncoding(headers: IncomingHttpHeaders): DomainError | undefined {
  const [, charset] = CHARSET.exec(headers['content-type'] ?? '') ?? [];
  const encoding = headers['content-encoding'] ?? 'identity';
  if ((charset === undefined || CHARSETS.test(charset)) && /^\s*(identity)?\s*$/i.test(encoding)) return undefined;
  const sentence = 'Send the body as UTF-8, without another charset and without a content-encoding.';
  return new DomainError('unsupported_media_type', 'unsupported_media_type', sentence);
}

/**
 * Whether path and query are ASCII with percent-encoded UTF-8. Others would be read as other letters, or as the text of the encoding itself.
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
