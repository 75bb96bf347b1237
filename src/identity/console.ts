import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/*
 * Connections of the command line: they come by a socket in the file system that only the server's own user and root can open
 * (`src/api/console`). In memory, of this process alone: a connection ends with it.
 */
const connections = new WeakSet<Socket>();

/** From now on, requests on this connection are those of the command line. */
export const admitConsole = (connection: Socket): void => void connections.add(connection);

/** Whether a request is one of the command line, which needs no token and has every role. */
export const isConsole = ({ socket }: Pick<IncomingMessage, 'socket'>): boolean => connections.has(socket);
