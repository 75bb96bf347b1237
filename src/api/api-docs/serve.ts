import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import { ClientNetworks } from '../../common/limits/client-network.js';
import { PAGE_CSP } from '../../common/http/html.js';
import { sendError } from '../../common/http/http-error.filter.js';
import { RateLimits } from '../../common/limits/rate-limits.js';
import { CONFIG, type Config } from '../../config/config.js';
import { eventsDocument } from './events.js';
import { eventsPage } from './events-page.js';
import { API_DOCS_PATH, EVENTS_DOCS_PATH } from './paths.js';
import { openApiDocument } from './rest.js';

/** Swagger's page sets styles of its own; it holds nothing that anybody typed. */
const SWAGGER_CSP =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

const JSON_TYPE = 'application/json; charset=utf-8';
const HTML_TYPE = 'text/html; charset=utf-8';

/**
 * Serves the routes as pages to read and to try at /http/docs, and as OpenAPI at /http/docs-json; the events as a page at
 * /http/docs/events, and as AsyncAPI at /http/docs/events.json. Each is made once, when it is first asked for.
 */
export function serveApiDocs(app: NestFastifyApplication): void {
  const { publicPath } = app.get<Config>(CONFIG);
  const server: FastifyInstance = app.getHttpAdapter().getInstance();
  const [limits, networks] = [app.get(RateLimits), app.get(ClientNetworks)];
  // Documents are large, and need no token. By the route that was found: an address has many spellings.
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
      const isOwn = request.url.startsWith(`/${EVENTS_DOCS_PATH}`);
      void reply.header('content-security-policy', isOwn ? PAGE_CSP : SWAGGER_CSP);
    }
    done();
  });
  const routes = once(() => openApiDocument(app));
  // Swagger's own routes would write the document out for each request.
  SwaggerModule.setup(API_DOCS_PATH, app, routes, { customSiteTitle: 'Parley API', raw: false });
  const routesText = once(() => JSON.stringify(routes()));
  // What watches a site asks by HEAD, and follows the redirect of `/` to here.
  server.head(`/${API_DOCS_PATH}`, (_request, reply) => reply.type(HTML_TYPE).send());
  const byHead = { exposeHeadRoute: true };
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
