import { signal } from '@preact/signals';
import type { Group } from 'parley-client';

/** The group to which the finder adds people, while it does. */
export const addingTo = signal<Group | undefined>(undefined);
