import { signal } from '@preact/signals';

/** Whether the dialog for a new group is shown. */
export const isMakingGroup = signal(false);
