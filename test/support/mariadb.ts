import { canStart, DatabaseServer } from './database-server.js';

// For tests that were written before there were two kinds of servers.
export { freePort } from './database-server.js';
export const PrivateMariaDb = {
  start: async () => (canStart('mariadb') ? DatabaseServer.start('mariadb') : undefined),
};
