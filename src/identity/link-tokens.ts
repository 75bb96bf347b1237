import { createHash, randomInt } from 'node:crypto';
import { DomainError } from '../common/errors.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 33;

/**
 * For a link in a mail. 196 bits: as random as a UUID and half, and short enough for the link to stay on one line. Letters and
 * digits alone: mail programs take a `-` or a `_` at the end of a link for the end of the sentence.
 */
export const newLinkToken = (): string =>
  Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

/** The hash that is stored of it. */
export const linkTokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');

// The second form, base64url, is in mails that were sent before the first one was introduced.
const SENT = new RegExp(`^\\s*([A-Za-z0-9]{${LENGTH}}|[\\w-]{32})(?![A-Za-z0-9])`);

/** The token in what was opened or pasted: mail programs and users leave a dot, a bracket or a blank behind it. */
export const linkTokenIn = (opened: string): string => SENT.exec(opened)?.[1] ?? opened;

/** Of links that are good for one use. The answer does not say which of these it is. */
export const unknownLink = () =>
  new DomainError(
    'not_found',
    'not_found',
    'This link was used already, or is no longer needed, or was never one of ours.',
  );
