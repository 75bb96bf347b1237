import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

export const API_DOCS_PATH = 'http/docs';

/** The OpenAPI document, made from the controllers and DTO classes. */
export const openApiDocument = (app: NestFastifyApplication): OpenAPIObject =>
  SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Parley')
      .setDescription('REST beside Socket.IO at `/socket`. A token comes from `POST /http/login`.')
      .setVersion('0.1.0')
      .addApiKey({ type: 'apiKey', in: 'header', name: 'authentication' }, 'authentication')
      .addBearerAuth({ type: 'http' }, 'bearer')
      .build(),
  );

/** Swagger's page sets styles of its own; it holds nothing that anybody typed. */
const DOCS_CSP =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

/** Serves the document as pages to read and to try at /http/docs, and as JSON at /http/docs-json. */
export function serveApiDocs(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', (request, reply, _payload, done) => {
      if (request.url.startsWith(`/${API_DOCS_PATH}`)) void reply.header('content-security-policy', DOCS_CSP);
      done();
    });
  SwaggerModule.setup(API_DOCS_PATH, app, () => openApiDocument(app), { customSiteTitle: 'Parley API' });
}
