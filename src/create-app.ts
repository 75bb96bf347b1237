import { isatty } from 'node:tty';
import { type LogLevel, ConsoleLogger, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import { AppModule } from './app.module.js';
import { ConsoleSocket } from './api/console/console-socket.js';
import { serveApiDocs } from './api/api-docs/serve.js';
import { answerInTime } from './api/http/answer-in-time.js';
import { ClientNetworks } from './common/limits/client-network.js';
import { MAX_REQUEST_BYTES, readBodies } from './api/http/bodies.js';
import { HttpErrorFilter, refusalOf, sendError } from './common/http/http-error.filter.js';
import { httpErrorBody, Invalid } from './common/errors.js';
import type { Identity } from './common/identity.js';
import { EXPOSED_HEADERS, headersForPage, isOriginAllowed, originRefused } from './common/http/origin.js';
import { logRefusal } from './common/logs/refusals.js';
import { Metrics } from './common/metrics.js';
import { SecurityLog } from './common/logs/security-log.js';
import { Stopping } from './common/stopping.js';
import { jsonOf } from './common/http/prepared-json.js';
import { requestIdOf } from './common/http/request-id.js';
import { isUtf8Url } from './common/http/utf8.js';
import { httpValidationPipe } from './common/http/validation.js';
import type { Config } from './config/config.js';
import { openFiles } from './config/file-modes.js';
import { isLoopbackName } from './config/loopback.js';
import { loadSecret } from './config/secret.js';
import { assertEngine } from './sockets/transport/engine-internals.js';
import { WebClient } from './api/web-client/web-client.js';
import { SocketAdapter } from './sockets/transport/socket.adapter.js';

const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug'];
/** Deadline of a whole request, headers and body. */
const REQUEST_WITHIN_MS = 30_000;
/** Deadline of its headers. */
const HEADERS_WITHIN_MS = 10_000;
/** How often Node checks these. */
const LOOK_EVERY_MS = 5_000;
/** How long connections may be idle; those of a proxy longer than the proxy itself keeps them, which is often a minute. */
const KEEP_ALIVE_MS = { direct: 10_000, proxied: 75_000 };

const COUNT = { error: 2, warn: 3, info: 4, debug: 5 };

/** Nest's own lines at each start, which are left out: the banner says what operators need. */
const CHATTER = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
  'WebSocketsController',
]);
/** Both rethrow what they log, and `main.ts` prints it in one line. */
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
    // Not `process.stdout.isTTY`, which is undefined in a pipe: Nest takes that for true.
    colors: isatty(1),
    logLevels: LEVELS.slice(0, COUNT[config.logLevel]),
  });

/** Builds the application: `main.ts` and the tests get the same one. The caller makes it listen. @throws StartError */
export async function createApp(
  config: Config,
  logger: ConsoleLogger | false = createLogger(config),
): Promise<NestFastifyApplication> {
  assertEngine();
  const webClient = WebClient.of(config);
  const setSecurityHeaders = securityHeaders(config);
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_REQUEST_BYTES,
    // HEAD would run the GET handler: a mail scanner's HEAD must not open a registration link.
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
    trustProxy: trustProxy(config),
    genReqId: requestIdOf,
    // So that clients cannot hold a connection by sending slowly.
    requestTimeout: REQUEST_WITHIN_MS,
    keepAliveTimeout: config.trustProxy === false ? KEEP_ALIVE_MS.direct : KEEP_ALIVE_MS.proxied,
    http: { headersTimeout: HEADERS_WITHIN_MS, connectionsCheckingInterval: LOOK_EVERY_MS },
    // For requests that are not HTTP, or too large.
    clientErrorHandler: (error, socket) => {
      // Browsers open connections in advance: whatever came on one of them would be taken for the answer to its first request.
      if (!socket.writable || socket.bytesRead === 0 || error.code === 'ECONNRESET') {
        socket.destroy();
        return;
      }
      const refusal = new Invalid('This is not an HTTP request, or its headers are too large or too slow.');
      const body = JSON.stringify(httpErrorBody(refusal));
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    },
    // For paths that the router refuses before it looks for a route: `/%zz`.
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      // No hook has run.
      setSecurityHeaders(request.raw, reply.raw, () => {});
      void reply.header('x-request-id', request.id);
      if (webClient?.answerUnknown(request, reply)) return;
      sendError(reply.headers(headersForPage(config, request.headers.origin)), error);
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config, loadSecret(config)), adapter, {
    bodyParser: false,
    logger,
    // The caller prints the error in one line, and ends the process.
    abortOnError: false,
  });
  const warnings = new Logger('HTTP');
  const server = adapter.getInstance<FastifyInstance>();

  // Looked up once, since Node forgets it with the connection: the security log names it after the answer.
  server.server.on('connection', (socket) => void socket.remoteAddress);
  ConsoleSocket.with(config, server);
  readBodies(server, FORMS);
  answerInTime(server);
  // Fastify sends bytes as well as texts, whatever this type says: see `reply.serializer` in its documentation.
  server.setReplySerializer(jsonOf as (value: unknown) => string);
  // First, so that what is refused has them, too.
  server.addHook('onRequest', (request, reply, done) =>
    setSecurityHeaders(request.raw, reply.raw, (error) => done(error as Error | undefined)),
  );
  const stopping = app.get(Stopping);
  const warnOnce = once((text: string) => warnings.warn(text));
  server.addHook('onRequest', (request, reply, done) => {
    // Caches keep no answers to requests with `Authorization`, but do not know `authentication`.
    void reply.header('cache-control', 'no-store');
    void reply.header('x-request-id', request.id);
    // So that a proxy does not send the next request on a connection that ends meanwhile.
    if (stopping.hasBegun) void reply.header('connection', 'close');
    const { origin, host } = request.headers;
    if (!isOriginAllowed(config, origin)) {
      warnOnce(`origin ${origin}`, originWarning(origin!));
      sendError(reply, originRefused(origin!));
      return;
    }
    if (!isUtf8Url(request.url)) {
      if (webClient?.answerUnknown(request, reply)) return;
      sendError(reply, new Invalid('Path and query must be UTF-8, percent-encoded.'));
      return;
    }
    if (isOtherHost(config, host) && !request.url.startsWith('/health/')) {
      warnOnce(
        'host',
        `A request came for ${host!.slice(0, 100)}, but this server's own links lead to ${config.publicUrl}. Set PUBLIC_URL to where people reach this server.`,
      );
    }
    done();
  });
  const { isOn, httpSeconds } = app.get(Metrics);
  const [security, networks] = [app.get(SecurityLog), app.get(ClientNetworks)];
  server.addHook('onResponse', (request, reply, done) => {
    if (isOn) {
      const route = request.routeOptions.url ?? 'other';
      httpSeconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    }
    const refusal = refusalOf(request);
    const { identity } = request as { identity?: Identity };
    const who = identity ? { user_id: identity.userId } : {};
    if (refusal)
      logRefusal(security, refusal, { ...who, network: networks.networkOf(request.raw), request_id: request.id });
    done();
  });
  if (webClient)
    server.addHook('onRequest', (request, reply, done) => void (webClient.answer(request, reply) || done()));
  app.enableCors({
    origin: (origin: string | undefined, allow: (error: Error | null, isAllowed: boolean) => void) =>
      allow(null, isOriginAllowed(config, origin)),
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    // All headers that a page's libraries add (for tracing, say): the page is allowed, and there are no cookies to protect.
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 86_400,
    strictPreflight: false,
  });
  app.useGlobalPipes(httpValidationPipe());
  app.useGlobalFilters(new HttpErrorFilter(config));
  app.useWebSocketAdapter(
    new SocketAdapter(app, config, (origin, request) => {
      warnOnce(`origin ${origin}`, originWarning(origin));
      security.log('origin_refused', { network: networks.networkOf(request) });
    }),
  );
  if (config.apiDocs) serveApiDocs(app);
  for (const warning of operatorWarnings(config)) warnings.warn(warning);
  return app;
}

// Made once: Fastify's plugin would make it anew for each request, with the text of each header.
function securityHeaders({ publicUrl }: Config): ReturnType<typeof helmet> {
  const isHttps = publicUrl.startsWith('https:');
  return helmet({
    // Browsers would request https:// from a server without it.
    contentSecurityPolicy: {
      directives: { 'style-src': ["'self'"], 'upgrade-insecure-requests': isHttps ? [] : null },
    },
    strictTransportSecurity: isHttps,
    // Elsewhere browsers ignore it, and say so in the console of every page.
    crossOriginOpenerPolicy: isHttps || isLoopbackName(new URL(publicUrl).hostname),
  });
}

// Fastify refuses a number of proxies, since a client that reaches the server around them could forge hops. An operator who gives a number
// vouches that none can.
const trustProxy = ({ trustProxy: trusted }: Config) =>
  typeof trusted === 'number' ? (_address: string, hop: number) => hop < trusted : trusted;

/** Warns of settings that work and are not as they should be. */
function operatorWarnings(config: Config): string[] {
  const isReadable = (url: string): boolean => {
    const { protocol, hostname } = new URL(url);
    return config.production && protocol === 'http:' && !isLoopbackName(hostname);
  };
  return [
    ...(isReadable(config.publicUrl)
      ? [
          `PUBLIC_URL is ${config.publicUrl}: passwords and tokens cross the network as they are. Put a proxy with TLS in front, and set PUBLIC_URL to its https:// address.`,
        ]
      : []),
    ...(config.appUrl !== undefined && isReadable(config.appUrl)
      ? [
          `APP_URL is ${config.appUrl}: links to new passwords, and the passwords that are set there, cross the network as they are. Set it to an https:// address.`,
        ]
      : []),
    ...openFiles(config),
  ];
}

const originWarning = (origin: string): string =>
  `Refused a page of ${origin.slice(0, 100)}. If it is yours, add it to CORS_ORIGINS, or set PUBLIC_URL to it.`;

/** The routes of our own pages with forms, and the fields of those forms. */
const FORMS = new Map([
  ['/http/email/confirm', ['token']],
  ['/http/email/return', ['token']],
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

/** Logs each sentence once, and no more than a hundred different ones: strangers choose their content. */
function once(say: (text: string) => void): (key: string, text: string) => void {
  const said = new Set<string>();
  return (key, text) => {
    if (said.has(key) || said.size >= 100) return;
    said.add(key);
    say(text);
  };
}
