import type { ErrorCode } from '../common/error-codes.js';

/** What a page says of an error: its title, and what to do. */
export interface Words {
  title: string;
  sentence: string;
}

const BY_CODE: Partial<Record<ErrorCode, Words>> = {
  not_found: { title: 'This link is not valid.', sentence: 'A part of it may be missing: open it in the mail itself.' },
  expired: { title: 'This link has expired.', sentence: 'Ask for a new one.' },
  already_registered: { title: 'You have an account already.', sentence: 'Log in with its password.' },
  registration_closed: { title: 'No registrations.', sentence: 'Ask whoever runs this server for an invitation.' },
  invite_required: { title: 'Only with an invitation.', sentence: 'Ask for one, and register again with it.' },
  invite_invalid: {
    title: 'The invitation is not valid any more.',
    sentence: 'Ask for another one, and register again with it.',
  },
  domain_not_allowed: {
    title: 'Not with this address.',
    sentence: 'Register with one of another domain, or ask for an invitation.',
  },
  busy: { title: 'The server is busy.', sentence: 'Nothing was done. Try again in a moment.' },
  unavailable: { title: 'The server cannot do this right now.', sentence: 'Try again in a moment.' },
  internal: { title: 'Something went wrong.', sentence: 'It was not your fault. Try again later.' },
};

/** Of links that are good for one use. */
export const USED_LINK: Partial<Words> = {
  sentence: 'It was used already, or is no longer needed, or a part of it is missing.',
};

/** People read a page in their own words, not in those of the protocol. @param retryAfter in seconds */
export function wordsFor(code: ErrorCode, retryAfter = 60): Words {
  if (code === 'rate_limited') return { title: 'Too many tries.', sentence: `Try again in ${inWords(retryAfter)}.` };
  return (
    BY_CODE[code] ?? { title: `Something went wrong (${code}).`, sentence: 'Open the link in the mail once more.' }
  );
}

/** `4 seconds`, `12 minutes`, `2 hours`; rounded up. */
export function inWords(seconds: number): string {
  if (seconds <= 60) return counted(Math.max(1, Math.ceil(seconds)), 'second');
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? counted(minutes, 'minute') : counted(Math.ceil(minutes / 60), 'hour');
}

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;
