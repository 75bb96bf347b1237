import type { ParleyError } from 'parley-client';
import { Field } from '../parts/field.js';
import type { Wrong } from '../parts/form.js';
import { server } from '../parley.js';

/** As the server calls it, which says beside it what is wrong with it. */
export const NAME = 'chat_group_name';

const LONGEST_NAME = 100;

export function GroupName({ wrong, value = '' }: { wrong: Wrong; value?: string }) {
  return (
    <Field
      label="Name"
      name={NAME}
      autocomplete="off"
      value={value}
      error={wrong.errors[NAME]}
      maxLength={server.value?.limits['group_name_length'] ?? LONGEST_NAME}
      autofocus
    />
  );
}

export const NO_NAME = { [NAME]: 'Give the group a name.' };

export const wordsForGroup = ({ code }: ParleyError): Readonly<Record<string, string>> | undefined =>
  code === 'quota_exceeded' ? { '': 'You own as many groups as anybody may.' } : undefined;
