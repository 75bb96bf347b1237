import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { existsSync, rmSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { logLine } from '../../common/logs/log-line.js';
import type { Config } from '../../config/config.js';
import { consoleSocketPath, isTooLong } from '../../config/console-socket-path.js';
import { admitConsole } from '../../identity/console.js';

/** The command line asks one thing after another. */
const MOST_CONNECTIONS = 16;
/** Within which a process that lives takes a connection. */
const LIVES_WITHIN_MS = 1_000;
/** How often it is looked whether the file is there. */
const LOOK_EVERY_MS = 5_000;

/**
 * The socket by which the command line asks the server that runs for what admins ask over HTTP: the same routes, as the actor `console`. Whoever
 * can open it may do everything, so it belongs to the server's user alone, in a folder that does, too. Where it cannot be made, the log says so,
 * and the server runs without.
 */
export class ConsoleSocket {
  private server: Server | undefined;
  private looking: NodeJS.Timeout | undefined;
  private isClosed = false;
  private readonly log = new Logger('Console');
  private readonly path: string;

  private constructor(
    config: Pick<Config, 'dataDir'>,
    private readonly routes: FastifyInstance,
  ) {
    this.path = consoleSocketPath(config);
  }

  /** Opens with the routes, whether or not these are served on a port, and closes with them. */
  static with(config: Pick<Config, 'dataDir'>, routes: FastifyInstance): void {
    const socket = new ConsoleSocket(config, routes);
    routes.addHook('onReady', () => socket.begin());
    routes.addHook('preClose', () => socket.close());
  }

  private async begin(): Promise<void> {
    const { path } = this;
    // Windows has other sockets.
    if (process.platform === 'win32') return;
    if (isTooLong(path)) return this.warn(`${path} is too long for a socket. Give DATA_DIR a shorter path.`);
    // Of several nodes with one DATA_DIR, one serves the command line. When it stops, it takes the file away, whose ever it is.
    this.looking = setInterval(() => void (existsSync(path) || this.open()), LOOK_EVERY_MS).unref();
    await this.open();
  }

  private async open(): Promise<void> {
    const { path } = this;
    // Another node that shares the folder: it serves the command line as well as this one.
    if ((await isTaken(path)) || this.isClosed) return;
    try {
      // Of a process that was killed.
      rmSync(path, { force: true });
      this.server?.close();
      this.server = await listen(path, (request, response) => this.answer(request, response));
      this.server.on('error', (error) => this.warn(`its socket failed. ${logLine(error)}`));
    } catch (error) {
      clearInterval(this.looking);
      this.warn(`${path} cannot be made. ${logLine(error)}`);
    }
  }

  private warn(why: string): void {
    this.log.warn(`The command line cannot reach this server: ${why}`);
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    // Behind a proxy, everybody would be an admin.
    if (request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined) {
      response.writeHead(403).end();
      return;
    }
    // One that comes while the routes are still being made waits for them.
    this.routes.ready().then(
      () => this.routes.routing(request, response),
      () => response.destroy(),
    );
  }

  private async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.looking);
    const { server } = this;
    if (!server) return;
    // Node removes the file. Answers under way go out, as those on the port do.
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  }
}

/** Whether a process that lives listens there. */
function isTaken(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path);
    const end = (isThere: boolean) => (): void => {
      connection.destroy();
      resolve(isThere);
    };
    connection.once('connect', end(true)).once('error', end(false)).setTimeout(LIVES_WITHIN_MS, end(true));
  });
}

function listen(path: string, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer({ keepAlive: false }, answer);
  server.maxConnections = MOST_CONNECTIONS;
  server.on('connection', admitConsole);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The file is made by this call, and must never be there for others.
    const former = process.umask(0o077);
    try {
      server.listen(path, () => resolve(server.off('error', reject)));
    } finally {
      process.umask(former);
    }
  });
}
