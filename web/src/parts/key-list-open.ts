import { signal } from '@preact/signals';

/** Whether the list of all keys is shown: Ctrl /. */
export const isKeyListOpen = signal(false);
