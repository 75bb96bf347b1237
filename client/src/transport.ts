import { io } from 'socket.io-client';
import { fromWire, ParleyError } from './errors.js';
import type { TransportFactory } from './seams.js';

const CONNECT_MS = 10_000;

const gone = (why: string): ParleyError => new ParleyError('offline', `There is no connection: ${why}.`);

/** One socket.io-client socket. It never connects again by itself, and nothing is sent before it is connected: both are the client's to do. */
export const socketIo: TransportFactory = ({ url, token, transports }, events) => {
  const { origin, pathname } = new URL(url);
  const socket = io(origin, {
    path: pathname + 'socket',
    auth: { token },
    transports: [...transports],
    // WebSocket first, and polling where a proxy does not let it through.
    tryAllTransports: true,
    reconnection: false,
    forceNew: true,
    timeout: CONNECT_MS,
  });
  const close = (reason: ParleyError): void => {
    if (isClosed) return;
    isClosed = true;
    socket.close();
    events.closed(reason);
  };
  let isClosed = false;
  socket.on('connect', () => {
    if (!isClosed) events.open(socket.io.engine.transport.name === 'polling' ? 'polling' : 'websocket');
  });
  // `data` is the server's word; without it, it was the way there.
  socket.on('connect_error', (error: Error & { data?: unknown }) => {
    close(
      error.data ? fromWire(error.data) : new ParleyError('offline', 'The server cannot be reached.', { cause: error }),
    );
  });
  socket.on('disconnect', (why) => close(gone(why)));
  socket.onAny((name: string, payload: unknown) => {
    if (!isClosed) events.event(name, payload);
  });
  return {
    async emit(event, payload, timeout_ms) {
      // socket.io-client would keep it, and send it when nobody waits for it any more (socket.io#4318).
      if (isClosed || !socket.connected) throw gone('not yet, or no more');
      try {
        return await socket.timeout(timeout_ms).emitWithAck(event, payload);
      } catch {
        throw isClosed || !socket.connected
          ? gone('it broke')
          : new ParleyError('timeout', `No answer within ${timeout_ms / 1000} s.`);
      }
    },
    close() {
      isClosed = true;
      socket.close();
    },
  };
};
