// For W1: people in pairs, connected. Each message is to be acknowledged, and delivered to both.
import { LightSocket } from '../light-socket.js';
import type { Subject } from '../subject.js';
import { isDelivery, TEXT, until } from './measure.js';

export const PAIRS = 50;
/** The other one, and whoever wrote it. */
export const RECEIVERS = 2;
const ARRIVES_WITHIN_MS = 10_000;

export interface Pair {
  writer: LightSocket;
  payload: string;
  /** Called with each delivery to the reader. */
  onDelivered: () => void;
}

export interface Pairs {
  pairs: Pair[];
  /** Resolves when everything that was taken has reached all to whom it goes; throws where it does not: one that drops is not fast. */
  arrived: (taken: number) => Promise<void>;
  close: () => void;
}

/** The relay acknowledges nothing: there a message is done when it has arrived. */
export const isRelay = ({ name }: Subject): boolean => name === 'socket.io-relay';

export async function openPairs(subject: Subject): Promise<Pairs> {
  // At the readers, and at the writers themselves.
  let [delivered, echoed] = [0, 0];
  const sockets: LightSocket[] = [];
  const connect = async (user: number): Promise<LightSocket> => {
    const socket = await LightSocket.open(subject.portOf(user), subject.seeded.tokens[user]);
    sockets.push(socket);
    return socket;
  };
  const pairs: Pair[] = [];
  for (let i = 0; i < PAIRS; i++) {
    // Not the first two users: their room holds the history.
    const [from, to] = [2 * i + 2, 2 * i + 3];
    const [writer, reader] = [await connect(from), await connect(to)];
    const payload = `{"chat_type":"room","other_user_id":${to + 1},"message":"${TEXT}"}`;
    const pair: Pair = { writer, payload, onDelivered: () => {} };
    reader.onEvent = (packet) => {
      if (!isDelivery(packet)) return;
      delivered += 1;
      pair.onDelivered();
    };
    writer.onEvent = (packet) => void (isDelivery(packet) && (echoed += 1));
    if (!isRelay(subject)) await writer.ask(payload);
    pairs.push(pair);
  }
  const toHear = (messages: number): number => (isRelay(subject) ? messages : 2 * messages);
  // Each room's first message is there, and counts for nothing.
  if (!isRelay(subject)) await until(() => delivered + echoed >= toHear(PAIRS), ARRIVES_WITHIN_MS);
  [delivered, echoed] = [0, 0];
  return {
    pairs,
    arrived: async (taken) => {
      await until(() => delivered + echoed >= toHear(taken), ARRIVES_WITHIN_MS);
      if (delivered !== taken || delivered + echoed !== toHear(taken))
        throw new Error(`${subject.label}: ${taken} taken, ${delivered} delivered, ${echoed} to their writers`);
    },
    close: () => sockets.forEach((socket) => socket.close()),
  };
}
