import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { CONFIG, type Config } from '../../config/config.js';
import { VERSION } from '../../common/version.js';
import { EVENTS_DOCS_PATH } from './paths.js';

const describe = (path: string): string => `REST beside Socket.IO. A token comes from \`POST /http/login\`.

What crosses the socket is described at [${path}/${EVENTS_DOCS_PATH}](${path}/${EVENTS_DOCS_PATH}).`;

/** In the order in which a newcomer needs them. */
const TAGS: Record<string, string> = {
  account: 'Register, log in, set a new password, end sessions',
  users: 'People, profiles, blocks',
  'chat rooms': 'Conversations of two',
  'chat groups': 'Conversations of many, and who may join',
  bot: 'The conversation with the bot',
  notifications: 'What is unread',
  server: 'What this server is and can do',
};

/** The OpenAPI document, made from the controllers and DTO classes. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const { publicPath } = app.get<Config>(CONFIG);
  const builder = new DocumentBuilder();
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  return SwaggerModule.createDocument(
    app,
    builder
      .setTitle('Parley')
      .setDescription(describe(publicPath))
      .setVersion(VERSION)
      .addServer(publicPath || '/')
      .addApiKey({ type: 'apiKey', in: 'header', name: 'authentication' }, 'authentication')
      .addBearerAuth({ type: 'http' }, 'bearer')
      .build(),
  );
}
