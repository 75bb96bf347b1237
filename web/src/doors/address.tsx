import { Field } from '../parts/field.js';

/** What the server would refuse anyhow, said without asking it: an address has something, an @, and a host. */
export const looksLikeAddress = (text: string): boolean => /^\s*\S+@\S+\.\S+\s*$|^\s*\S+@localhost\s*$/.test(text);

export const NO_ADDRESS = { email: 'Enter an address like ada@example.com.' };

interface AddressFieldProps {
  readonly value: string;
  readonly error: string | undefined;
  readonly hint?: string;
  readonly autofocus?: boolean;
}

/** Whose account it is. Its name in the form is `email`. */
export const AddressField = (props: AddressFieldProps) => (
  <Field label="E-mail address" name="email" type="email" autocomplete="username" {...props} />
);
