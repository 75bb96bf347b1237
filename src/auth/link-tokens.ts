import { createHash, randomBytes } from 'node:crypto';

/** For a link in a mail. 192 bits: as random as a UUID and half, and short enough for the link to stay on one line. */
export const newLinkToken = (): string => randomBytes(24).toString('base64url');

/** What is stored of it. */
export const linkTokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');
