import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { VERSION } from '../common/version.js';
import { EVENTS_DOCS_PATH } from './paths.js';

const DESCRIPTION = `REST beside Socket.IO. A token comes from \`POST /http/login\`.

What crosses the socket is described at [/${EVENTS_DOCS_PATH}](/${EVENTS_DOCS_PATH}).`;

/** The OpenAPI document, made from the controllers and DTO classes. */
export const openApiDocument = (app: NestFastifyApplication): OpenAPIObject =>
  SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Parley')
      .setDescription(DESCRIPTION)
      .setVersion(VERSION)
      .addApiKey({ type: 'apiKey', in: 'header', name: 'authentication' }, 'authentication')
      .addBearerAuth({ type: 'http' }, 'bearer')
      .build(),
  );
