import { socketIo } from '../../src/transport.js';
import type { ParleyOptions } from '../../src/types.js';

/** Options of a client, and what it has asked of the server since, by HTTP and by its socket: `GET /http/chat_rooms`, `emit message`. */
export function counted(): { options: ParleyOptions; asked: () => string[] } {
  const asked: string[] = [];
  return {
    asked: () => [...asked],
    options: {
      fetch: (input, init) => {
        const { pathname, search } = new URL(input as string);
        asked.push(`${init?.method} ${pathname}${search}`);
        return fetch(input, init);
      },
      transport: (to, events) => {
        const inner = socketIo(to, events);
        return {
          emit: (event, payload, timeoutMs) => {
            asked.push(`emit ${event}`);
            return inner.emit(event, payload, timeoutMs);
          },
          close: () => inner.close(),
        };
      },
    },
  };
}
