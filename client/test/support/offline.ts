import { synced, until, type Known } from '../../../test/support/person.js';
import type { BadNetwork } from './bad-network.js';

/** The network is gone, and the client has noticed. */
export async function goOffline({ client }: Pick<Known, 'client'>, network: BadNetwork): Promise<void> {
  network.isDown = true;
  network.cut();
  await until(client.connection, (c) => c.state === 'waiting');
}

/** It is there again, and the client has caught up. */
export async function goOnline({ client }: Pick<Known, 'client'>, network: BadNetwork): Promise<void> {
  network.isDown = false;
  client.retryNow();
  await synced(client);
}
