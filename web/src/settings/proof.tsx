import type { ParleyError } from 'parley-client';
import { Field } from '../parts/field.js';
import { duration } from '../words.js';

/* What one does with one's password once more. The name of its field is `password`. */

export const NO_PASSWORD = { password: 'Enter your password.' };

/**
 * Of the errors that come of it; undefined: of none of them. `rate_limited` is none: it may be of passwords that were tried, or of what one
 * does with it.
 */
export function proofWords({ code, retry_after_ms }: ParleyError): Readonly<Record<string, string>> | undefined {
  if (code === 'wrong_password') return { password: 'This is not your password.' };
  if (code === 'password_too_new')
    return {
      '': `Your password was changed without the one before, and can be taken back by mail. Try again in ${duration(retry_after_ms ?? 60_000)}.`,
    };
  return undefined;
}

interface ProofFieldProps {
  readonly error: string | undefined;
  readonly hint?: string;
  readonly autofocus?: boolean;
}

export const ProofField = (props: ProofFieldProps) => (
  <Field label="Password" name="password" type="password" autocomplete="current-password" {...props} />
);
