import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { CONFIG, type Config } from '../../config/config.js';
import { VERSION } from '../../common/version.js';
import { EVENTS_DOCS_PATH } from './paths.js';

const describe = (path: string): string => `REST beside Socket.IO. A token comes from \`POST /http/login\`.

What crosses the socket is described at [${path}/${EVENTS_DOCS_PATH}](${path}/${EVENTS_DOCS_PATH}).`;

/** The OpenAPI document, made from the controllers and DTO classes. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const { publicPath } = app.get<Config>(CONFIG);
  return SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Parley')
      .setDescription(describe(publicPath))
      .setVersion(VERSION)
      .addServer(publicPath || '/')
      .addApiKey({ type: 'apiKey', in: 'header', name: 'authentication' }, 'authentication')
      .addBearerAuth({ type: 'http' }, 'bearer')
      .build(),
  );
}
