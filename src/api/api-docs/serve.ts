import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { ClientNetworks } from '../../common/limits/client-network.js';
import { sendError } from '../../common/http/http-error.filter.js';
import { RateLimits } from '../../common/limits/rate-limits.js';
import { CONFIG, type Config } from '../../config/config.js';
import { eventsDocument } from './events.js';
import { EVENTS_PAGE_CSP, eventsPage } from './events-page.js';
import { API_DOCS_PATH, EVENTS_DOCS_PATH } from './paths.js';
import { REST_PAGE_CSP, restPage, restScript, SWAGGER_PATH } from './rest-page.js';
import { openApiDocument } from './rest.js';

const JSON_TYPE = 'application/json; charset=utf-8';
/** Of Swagger UI, whose package holds much more. */
const SWAGGER_FILES = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js']);

const SCRIPT_TYPE = 'text/javascript; charset=utf-8';
const HTML_TYPE = 'text/html; charset=utf-8';

/**
 * Serves the routes as a page at /http/docs, where they can be tried, and as OpenAPI at /http/docs-json; the events as a page at
 * /http/docs/events, and as AsyncAPI at /http/docs/events.json. Each is made once, at the first request for it.
 */
export function serveApiDocs(app: NestFastifyApplication): void {
  const { publicPath, devMail } = app.get<Config>(CONFIG);
  const server: FastifyInstance = app.getHttpAdapter().getInstance();
  const [limits, networks] = [app.get(RateLimits), app.get(ClientNetworks)];
  // Documents are large, and need no token: limited by network. By the route that was found, since a URL has many spellings.
  server.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.url?.startsWith(`/${API_DOCS_PATH}`)) return done();
    try {
      limits.document(networks.networkOf(request.raw));
    } catch (refused) {
      return sendError(reply, refused);
    }
    done();
  });
  server.addHook('onSend', (request, reply, _payload, done) => {
    if (request.url.startsWith(`/${API_DOCS_PATH}`)) {
      const isEvents = request.url.startsWith(`/${EVENTS_DOCS_PATH}`);
      void reply.header('content-security-policy', isEvents ? EVENTS_PAGE_CSP : REST_PAGE_CSP);
    }
    done();
  });
  const routesText = once(() => JSON.stringify(openApiDocument(app)));
  const routesPage = once(() => restPage({ path: publicPath, hasMails: devMail }));
  const byHead = { exposeHeadRoute: true };
  // Not by `SwaggerModule.setup`: its page has no viewport, and allows any style.
  void server.register(fastifyStatic, {
    root: dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')),
    prefix: `/${SWAGGER_PATH}/`,
    allowedPath: (path) => SWAGGER_FILES.has(path),
    decorateReply: false,
    index: false,
  });
  server.get(`/${API_DOCS_PATH}/start.js`, (_request, reply) => reply.type(SCRIPT_TYPE).send(restScript(publicPath)));
  // Monitors send HEAD, and follow the redirect of `/` to here.
  server.get(`/${API_DOCS_PATH}`, byHead, (_request, reply) => reply.type(HTML_TYPE).send(routesPage()));
  server.get(`/${API_DOCS_PATH}-json`, byHead, (_request, reply) => reply.type(JSON_TYPE).send(routesText()));

  const document = once(() => eventsDocument(app));
  const eventsText = once(() => JSON.stringify(document()));
  const page = once(() => eventsPage(document(), publicPath));
  server.get(`/${EVENTS_DOCS_PATH}.json`, byHead, (_request, reply) => reply.type(JSON_TYPE).send(eventsText()));
  server.get(`/${EVENTS_DOCS_PATH}`, byHead, (_request, reply) => reply.type(HTML_TYPE).send(page()));
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
