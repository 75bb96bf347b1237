// W5: how fast connections with a token come.
import type { LightSocket } from '../light-socket.js';
import { closeAll, openAll } from './connections.js';
import { measured, type Workload } from './measure.js';

const COMING = 2_000;

export const connect: Workload = {
  family: 'W5',
  work: `W5 ${COMING.toLocaleString('en')} connect`,
  suits: ({ name }) => name !== 'fastify' && name !== 'socket.io-relay',
  async measure(subject) {
    const before = await subject.statements();
    let sockets: LightSocket[] = [];
    const window = await measured(subject, async () => {
      sockets = await openAll(subject, COMING);
    });
    const after = await subject.statements();
    closeAll(sockets);
    return {
      'connections/s': COMING / window.seconds,
      'µs CPU each': (window.cpu / COMING) * 1e6,
      ...(before !== undefined && after !== undefined && { statements: (after - before) / COMING }),
      ...window.load,
    };
  },
};
