import { LightSocket } from '../light-socket.js';
import type { Subject } from '../subject.js';

const AT_ONCE = 50;

/** One of each of the first users. */
export async function openAll(subject: Subject, count: number): Promise<LightSocket[]> {
  const sockets: LightSocket[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      const user = next++;
      sockets.push(await LightSocket.open(subject.portOf(user), subject.seeded.tokens[user]));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return sockets;
}

export const closeAll = (sockets: LightSocket[]): void => sockets.forEach((socket) => socket.close());
