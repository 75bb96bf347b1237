import type { User } from 'parley-client';
import { seen } from '../format.js';

/** `Online`, `Seen at 9:12`, `Offline`. */
export const presenceOf = ({ is_online, last_seen }: User): string =>
  is_online ? 'Online' : last_seen === null ? 'Offline' : seen(last_seen);
