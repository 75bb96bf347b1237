import { type ServerOptions, WebSocketServer } from 'ws';

/** Fragments of one packet; each is a frame, and frames may be empty. Clients that fragment at all send some kilobytes in each. */
const MAX_FRAGMENTS = 128;
/** How long a client has to answer a close frame before the connection is cut. */
const GOODBYE_MS = 10_000;

/** The WebSocket server for Engine.IO: `ws`, with limits that Engine.IO does not pass on. */
export const boundedWebSockets = class extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, maxFragments: MAX_FRAGMENTS, closeTimeout: GOODBYE_MS } as ServerOptions);
  }
};
