import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AskBot } from './bot/dto/bot.dto.js';
import { EnterGroupMessage, SendGroupMessage } from './chat-groups/dto/group-message.dto.js';
import { SendRoomMessage } from './chat-rooms/dto/room-message.dto.js';
import { TokenPayload } from './common/token-payload.js';
import { VERSION } from './version.js';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

export const API_DOCS_PATH = 'http/docs';

/** What the event `message` takes; their schemas stand beside those of the routes. */
const SOCKET_PAYLOADS = [TokenPayload, SendRoomMessage, SendGroupMessage, EnterGroupMessage, AskBot];

const DESCRIPTION = `REST beside Socket.IO at the path \`/socket\`. A token comes from \`POST /http/login\`.

Over the socket a client sends the event \`message\` with one of these payloads (see the schemas below), and gets an acknowledgement:

| step | payload | acknowledged with |
| --- | --- | --- |
| 2, open the live channel | \`TokenPayload\` | \`{ok: true, user_id}\` |
| 5, ask the bot | \`AskBot\` | \`{ok: true, seq, timestamp, client_id?}\` |
| 9, write to somebody | \`SendRoomMessage\` | \`{ok: true, chat_room_id, seq, timestamp, client_id?}\` |
| 11 and 12, enter or leave a group | \`EnterGroupMessage\` | \`{ok: true, chat_group_id, is_in}\` |
| 13, write to a group | \`SendGroupMessage\` | \`{ok: true, chat_group_id, seq, timestamp, client_id?}\` |

A refusal is \`{ok: false, error: {code, message, …}}\`, and the event \`exception\`.`;

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
    { extraModels: SOCKET_PAYLOADS },
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
