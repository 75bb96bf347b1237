import { isatty } from 'node:tty';
import { type LogLevel, ConsoleLogger, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import helmet from 'helmet';
import { AppModule } from './app.module.js';
import { serveApiDocs } from './api/api-docs/serve.js';
import { answerInTime } from './api/http/answer-in-time.js';
import { ClientNetworks } from './common/limits/client-network.js';
import { readBodies } from './api/http/bodies.js';
import { HttpErrorFilter, refusalOf, sendError } from './common/http/http-error.filter.js';
import { httpErrorBody, Invalid } from './common/errors.js';
import type { Identity } from './common/identity.js';
import { isOriginAllowed, originRefused } from './common/http/origin.js';
import { tellRefusal } from './common/logs/refusals.js';
import { SecurityLog } from './common/logs/security-log.js';
import { isUtf8Url } from './common/http/utf8.js';
import { httpValidationPipe } from './common/http/validation.js';
import type { Config } from './config/config.js';
import { openFiles } from './config/file-modes.js';
import { isLoopbackName } from './config/loopback.js';
import { loadSecret } from './config/secret.js';
import { SocketAdapter } from './sockets/transport/socket.adapter.js';

const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];
/** Largest body of a request, in bytes. */
const MAX_REQUEST_BYTES = 64 * 1024;
/** A request, headers and body, must be here by then. */
const REQUEST_WITHIN_MS = 30_000;
/** Its headers by then. */
const HEADERS_WITHIN_MS = 10_000;
/** How often Node looks at that. */
const LOOK_EVERY_MS = 5_000;
/** A connection that waits for another request ends by then; one of a proxy later than the proxy itself ends it, which is often a minute. */
const KEEP_ALIVE_MS = { direct: 10_000, proxied: 75_000 };

const COUNT = { error: 2, warn: 3, info: 4, debug: 5 };

/** What Nest says about itself at each start; an operator waits for our banner instead. */
const CHATTER = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'WebSocketsController',
]);
/** Both rethrow what they log, and `main.ts` says it in one line. */
const SAID_BY_MAIN = new Set(['ExceptionHandler', 'NestApplication']);

class ParleyLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: [...unknown[]]): void {
    if (!CHATTER.has(String(rest.at(-1)))) super.log(message, ...rest);
  }

  override error(message: unknown, ...rest: [...unknown[]]): void {
    if (!SAID_BY_MAIN.has(String(rest.at(-1)))) super.error(message, ...rest);
  }
}

export const createLogger = (config: Config): ConsoleLogger =>
  new ParleyLogger({
    json: config.production,
    // Not `process.stdout.isTTY`, which is undefined in a pipe: Nest takes that for yes.
    colors: isatty(1),
    logLevels: LEVELS.slice(0, COUNT[config.logLevel]),
  });

/** Builds the application: `main.ts` and the tests get the same one. The caller makes it listen. @throws StartError */
export async function createApp(
  config: Config,
  logger: ConsoleLogger | false = createLogger(config),
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_REQUEST_BYTES,
    // HEAD would run the GET handler: a mail scanner's HEAD must not open a registration link.
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
    trustProxy: trustProxy(config),
    // Nobody holds a connection by sending slowly.
    requestTimeout: REQUEST_WITHIN_MS,
    keepAliveTimeout: config.trustProxy === false ? KEEP_ALIVE_MS.direct : KEEP_ALIVE_MS.proxied,
    http: { headersTimeout: HEADERS_WITHIN_MS, connectionsCheckingInterval: LOOK_EVERY_MS },
    // What is not HTTP at all, or too much of it.
    clientErrorHandler: (error, socket) => {
      if (!socket.writable || error.code === 'ECONNRESET') {
        socket.destroy();
        return;
      }
      const refusal = new Invalid('This is not an HTTP request, or its headers are too large or too slow.');
      const body = JSON.stringify(httpErrorBody(refusal));
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    },
    // What the router refuses before it knows a route: `/%zz`.
    frameworkErrors: (error: unknown, _request: unknown, reply: FastifyReply) => sendError(reply, error),
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config, loadSecret(config)), adapter, {
    bodyParser: false,
    logger,
    // The caller prints one line about what went wrong, and ends the process.
    abortOnError: false,
  });
  const warnings = new Logger('HTTP');
  const server = adapter.getInstance<FastifyInstance>();

  readBodies(server, FORMS);
  answerInTime(server);
  const warnOnce = once((text: string) => warnings.warn(text));
  server.addHook('onRequest', (request, reply, done) => {
    // Caches know what `Authorization` means, and nothing of `authentication`.
    void reply.header('cache-control', 'no-store');
    const { origin, host } = request.headers;
    if (!isOriginAllowed(config, origin)) {
      warnOnce(`origin ${origin}`, originWarning(origin!));
      sendError(reply, originRefused(origin!));
      return;
    }
    if (!isUtf8Url(request.url)) {
      sendError(reply, new Invalid('Path and query must be UTF-8, percent-encoded.'));
      return;
    }
    if (isOtherHost(config, host) && !request.url.startsWith('/health/')) {
      warnOnce(
        'host',
        `A request came for ${host!.slice(0, 100)}, but links in mails lead to ${config.publicUrl}. Set PUBLIC_URL to where people reach this server.`,
      );
    }
    done();
  });
  const [security, networks] = [app.get(SecurityLog), app.get(ClientNetworks)];
  server.addHook('onResponse', (request, _reply, done) => {
    const refusal = refusalOf(request);
    const { identity } = request as { identity?: Identity };
    const who = identity ? { user_id: identity.userId } : {};
    if (refusal) tellRefusal(security, refusal, { ...who, network: networks.networkOf(request.raw) });
    done();
  });
  const isHttps = config.publicUrl.startsWith('https:');
  // Made once: Fastify's plugin would make it, and the text of each header, anew for each request.
  const setSecurityHeaders = helmet({
    // Browsers would ask for https:// on a server that has none.
    contentSecurityPolicy: {
      directives: { 'style-src': ["'self'"], 'upgrade-insecure-requests': isHttps ? [] : null },
    },
    strictTransportSecurity: isHttps,
  });
  server.addHook('onRequest', (request, reply, done) =>
    setSecurityHeaders(request.raw, reply.raw, (error) => done(error as Error | undefined)),
  );
  app.enableCors({
    origin: (origin: string | undefined, allow: (error: Error | null, isAllowed: boolean) => void) =>
      allow(null, isOriginAllowed(config, origin)),
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    // Whatever headers a page's libraries add (tracing, say): the page is allowed, and no cookie makes a request more than it is.
    exposedHeaders: ['link', 'retry-after'],
    maxAge: 86_400,
    strictPreflight: false,
  });
  app.useGlobalPipes(httpValidationPipe());
  app.useGlobalFilters(new HttpErrorFilter(config));
  app.useWebSocketAdapter(
    new SocketAdapter(app, config, (origin, request) => {
      warnOnce(`origin ${origin}`, originWarning(origin));
      security.tell('origin_refused', { network: networks.networkOf(request) });
    }),
  );
  if (config.apiDocs) serveApiDocs(app);
  for (const warning of operatorWarnings(config)) warnings.warn(warning);
  app.enableShutdownHooks();
  return app;
}

// Fastify takes a number for nobody: anyone who reaches the server past the proxies could make up hops. The operator who gives a
// number says that nobody does.
const trustProxy = ({ trustProxy: trusted }: Config) =>
  typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;

/** What works, and is not as it should be. */
function operatorWarnings(config: Config): string[] {
  const { protocol, hostname } = new URL(config.publicUrl);
  const isReadable = config.production && protocol === 'http:' && !isLoopbackName(hostname);
  return [
    ...(isReadable
      ? [
          `PUBLIC_URL is ${config.publicUrl}: passwords and tokens cross the network as they are. Put a proxy with TLS in front, and set PUBLIC_URL to its https:// address.`,
        ]
      : []),
    ...openFiles(config),
  ];
}

const originWarning = (origin: string): string =>
  `Refused a page of ${origin.slice(0, 100)}. If it is yours, add it to CORS_ORIGINS, or set PUBLIC_URL to it.`;

/** Where our own pages have forms, and the fields of those forms. */
const FORMS = new Map([
  ['/http/password/forgot', ['email']],
  ['/http/password/reset', ['token', 'password']],
  ['/http/password/restore', ['token']],
  ['/http/register/resend', ['token']],
]);

function isOtherHost(config: Config, host: string | undefined): boolean {
  if (!host || !URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(config.publicUrl);
  const asked = new URL(`http://${host}`).hostname;
  return asked !== hostname && !(isLoopbackName(asked) && isLoopbackName(hostname));
}

/** Says each thing once, and after a hundred different ones nothing more: strangers choose what is said. */
function once(say: (text: string) => void): (key: string, text: string) => void {
  const said = new Set<string>();
  return (key, text) => {
    if (said.has(key) || said.size >= 100) return;
    said.add(key);
    say(text);
  };
}
