import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { logLine } from '../../common/logs/log-line.js';
import { Metrics } from '../../common/metrics.js';
import { StartError } from '../../common/start-error.js';
import { CONFIG, type Config } from '../../config/config.js';

const PATH = '/metrics';
/** Monitors ask every few seconds, over a few connections. */
const MOST_CONNECTIONS = 20;
const REQUEST_WITHIN_MS = 10_000;

/**
 * `GET /metrics` in the text format of Prometheus, on a port of its own: it tells how busy the server is, which is nobody's business who
 * reaches the public port. Listens only where METRICS_PORT is set.
 */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Metrics');
  private server?: Server;
  /** Shared by all who ask at once. */
  private answering: Promise<string> | undefined;

  constructor(
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws StartError where the port is taken */
  async onApplicationBootstrap(): Promise<void> {
    const { metricsPort, metricsHost } = this.config;
    if (metricsPort === undefined) return;
    const server = createServer((request, response) => void this.answer(request, response));
    server.maxConnections = MOST_CONNECTIONS;
    server.requestTimeout = server.headersTimeout = REQUEST_WITHIN_MS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new StartError(
            `METRICS_PORT ${metricsPort} on ${metricsHost} cannot be listened to: ${error.code}. Set another.`,
          ),
        ),
      );
      server.listen(metricsPort, metricsHost, resolve);
    });
    this.server = server;
  }

  async onApplicationShutdown(): Promise<void> {
    const { server } = this;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** Where it listens: with METRICS_PORT=0, on which port. */
  get port(): number | undefined {
    return (this.server?.address() as { port: number } | null | undefined)?.port;
  }

  private async answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url.split('?')[0] !== PATH) {
      response.writeHead(404, TEXT).end(`There is only ${PATH} here.\n`);
    } else if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { ...TEXT, allow: 'GET, HEAD' }).end(`Ask with GET.\n`);
    } else {
      try {
        this.answering ??= this.metrics.registry.metrics().finally(() => (this.answering = undefined));
        const text = await this.answering;
        response.writeHead(200, { 'content-type': this.metrics.registry.contentType }).end(text);
      } catch (error) {
        this.logger.error(`The metrics could not be collected: ${logLine(error)}`);
        response.writeHead(500, TEXT).end('The metrics could not be collected: see the log.\n');
      }
    }
  }
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
