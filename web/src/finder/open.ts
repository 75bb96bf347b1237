import { signal } from '@preact/signals';

/** Whether the finder is shown: Ctrl K, and "Find a person or group". */
export const isFinderOpen = signal(false);
