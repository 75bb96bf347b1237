import { signal } from '@preact/signals';
import { fromStore } from 'parley-client/signals';
import type { Me, ParleyClient } from 'parley-client';

/*
 * In place of `src/parley.ts`, whose client is that of the page: `vi.mock('../src/parley.js', () => import('./page-client.js'))`.
 */

export let parley: ParleyClient;
export let server: ReturnType<typeof fromStore<ReturnType<ParleyClient['server']['get']>>>;
export let connection: ReturnType<typeof fromStore<ReturnType<ParleyClient['connection']['get']>>>;
export const me = signal<Me | undefined>(undefined);

/** The page is this client's from now on. */
export function pageOf(client: ParleyClient): ParleyClient {
  parley = client;
  server = fromStore(client.server);
  connection = fromStore(client.connection);
  return client;
}
