import { server } from '../parley.js';
import { Field } from './field.js';

const SHORTEST = 8;

const shortest = (): number => server.value?.limits['password_min'] ?? SHORTEST;

/** @returns what is wrong with it at first sight; the server knows the common ones */
export const wrongWithPassword = (password: string): string | undefined =>
  // Code points: what the server counts.
  [...password].length < shortest() ? `At least ${shortest()} characters.` : undefined;

interface NewPasswordProps {
  readonly label: string;
  readonly error: string | undefined;
  readonly autofocus?: boolean;
}

/** Where somebody chooses a password. Its name in the form is `password`. */
export function NewPassword({ label, error, autofocus = false }: NewPasswordProps) {
  return (
    <Field
      label={label}
      name="password"
      type="password"
      autocomplete="new-password"
      hint={`At least ${shortest()} characters. A sentence is fine.`}
      error={error}
      autofocus={autofocus}
    />
  );
}
