// W3: connections that do nothing, and what they hold.
import { sleep } from '../stats.js';
import { closeAll, openAll } from './connections.js';
import type { Workload } from './measure.js';

export const IDLE = 5_000;
/** What the first connections make grow once (compiled code, caches, pools) is no cost of a connection. */
const FIRST = 100;

export const idle: Workload = {
  family: 'W3',
  work: `W3 ${IDLE.toLocaleString('en')} idle`,
  suits: ({ name }) => name !== 'fastify' && name !== 'socket.io-relay',
  isFresh: true,
  async measure(subject) {
    const first = await openAll(subject, FIRST);
    await sleep(500);
    const { resident } = await subject.memory();
    closeAll(first);
    await sleep(500);
    const { held } = await subject.memory();
    const sockets = await openAll(subject, IDLE);
    await sleep(1_000);
    const after = await subject.memory();
    closeAll(sockets);
    return {
      'KiB held': (after.held - held) / 1024 / IDLE,
      'KiB resident': (after.resident - resident) / 1024 / IDLE,
    };
  },
};
