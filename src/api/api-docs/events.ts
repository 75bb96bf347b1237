import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type SchemaObject, SwaggerModule } from '@nestjs/swagger';
import { VERSION } from '../../common/version.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Refused } from '../../sockets/events/answers.js';
import { SocketsModule } from '../../sockets/sockets.module.js';
import { exampleOf } from './event-examples.js';
import { CLIENT_EVENTS, type PayloadClass, SERVER_EVENTS } from './event-table.js';
import { API_DOCS_PATH } from './paths.js';

export interface Reference {
  $ref: string;
}

export interface EventMessage {
  /** The event's name, which several kinds of payload may share. */
  name: string;
  title: string;
  payload: Reference | SchemaObject;
  examples: [{ payload: object }];
}

export interface EventOperation {
  /** As seen from the server. */
  action: 'send' | 'receive';
  channel: Reference;
  /** What it is for: no two operations are called the same. */
  title: string;
  summary: string;
  messages: [Reference];
  /** The acknowledgement: one of these. */
  reply?: { channel: Reference; messages: Reference[] };
}

/** The parts of an AsyncAPI 3.0 document that are made here. */
export interface EventsDocument {
  asyncapi: '3.0.0';
  info: { title: string; version: string; description: string };
  defaultContentType: string;
  servers: Record<string, { host: string; pathname?: string; protocol: string; description: string }>;
  channels: { socket: { address: string; description: string; messages: Record<string, EventMessage> } };
  operations: Record<string, EventOperation>;
  components: { schemas: Record<string, SchemaObject> };
}

const DESCRIPTION = `Socket.IO 4 at the path \`/socket\`, beside the routes at \`/${API_DOCS_PATH}\`.

A token comes from \`POST /http/login\`. It goes into the handshake's \`auth: {token}\`, or into the first payload; later payloads may leave it out. A socket that shows none within 10 seconds is closed.

Where the client asks for an acknowledgement, it is one of those named here, or \`Refused\`. A refusal is the event \`exception\` as well.`;

const SOCKET: Reference = { $ref: '#/channels/socket' };
const messageRef = (key: string): Reference => ({ $ref: `#/channels/socket/messages/${key}` });

interface Row {
  payload: PayloadClass | readonly [PayloadClass];
  called: string;
  says: string;
  answer?: PayloadClass;
}

const isList = (payload: Row['payload']): payload is readonly [PayloadClass] => Array.isArray(payload);
const classOf = (payload: Row['payload']): PayloadClass => (isList(payload) ? payload[0] : payload);
const rowsOf = (table: Record<string, readonly Row[]>): { event: string; row: Row }[] =>
  Object.entries(table).flatMap(([event, rows]) => rows.map((row) => ({ event, row })));

/** The AsyncAPI document of all socket events, made from the table and the classes that it names. */
export function eventsDocument(app: NestFastifyApplication): EventsDocument {
  const sent = rowsOf(SERVER_EVENTS);
  const received = rowsOf(CLIENT_EVENTS);
  const answers = [...new Set(received.flatMap(({ row }) => row.answer ?? [])), Refused];
  const payloads = [...sent, ...received].map(({ row }) => classOf(row.payload));
  const { host, protocol, pathname } = new URL(app.get<Config>(CONFIG).publicUrl);

  return {
    asyncapi: '3.0.0',
    info: { title: 'Parley: events', version: VERSION, description: DESCRIPTION },
    defaultContentType: 'application/json',
    servers: {
      parley: {
        host,
        ...(pathname !== '/' && { pathname }),
        protocol: protocol === 'https:' ? 'wss' : 'ws',
        description: 'Any Socket.IO 4 client, over WebSocket or long polling. A plain WebSocket client does not do.',
      },
    },
    channels: {
      socket: {
        address: '/socket',
        description: 'The one Socket.IO channel, in its default namespace.',
        messages: {
          ...Object.fromEntries(
            [...sent, ...received].map(({ event, row }) => [keyOf(event, row), messageOf(event, row)]),
          ),
          ...Object.fromEntries(
            answers.map((answer) => [keyOf(ANSWER, { payload: answer }), messageOf(ANSWER, { payload: answer })]),
          ),
        },
      },
    },
    operations: Object.fromEntries([
      ...sent.map(({ event, row }) => [`send_${keyOf(event, row)}`, operation('send', event, row)]),
      ...received.map(({ event, row }) => [`receive_${keyOf(event, row)}`, operation('receive', event, row)]),
    ]),
    components: { schemas: schemasOf(app, [...payloads, ...answers]) },
  };
}

const ANSWER = 'acknowledgement';

const keyOf = (event: string, { payload }: Pick<Row, 'payload'>): string => `${event}_${classOf(payload).name}`;

function messageOf(name: string, { payload }: Pick<Row, 'payload'>): EventMessage {
  const { name: title } = classOf(payload);
  const schema = { $ref: `#/components/schemas/${title}` };
  const example = exampleOf(classOf(payload));
  return {
    name,
    title,
    payload: isList(payload) ? { type: 'array', items: schema } : schema,
    examples: [{ payload: isList(payload) ? [example] : example }],
  };
}

const operation = (action: EventOperation['action'], event: string, row: Row): EventOperation => ({
  action,
  channel: SOCKET,
  title: row.called,
  summary: row.says,
  messages: [messageRef(keyOf(event, row))],
  ...(row.answer && {
    reply: {
      channel: SOCKET,
      messages: [row.answer, Refused].map((payload) => messageRef(keyOf(ANSWER, { payload }))),
    },
  }),
});

/** As OpenAPI 3.1, whose schemas are JSON Schema, like those of AsyncAPI: null is a type there. */
function schemasOf(app: NestFastifyApplication, classes: PayloadClass[]): Record<string, SchemaObject> {
  const { components } = SwaggerModule.createDocument(
    app,
    new DocumentBuilder().setOpenAPIVersion('3.1.0').build(),
    // A module without routes: only these classes, and those they refer to, are needed.
    { include: [SocketsModule], extraModels: classes },
  );
  return components!.schemas as Record<string, SchemaObject>;
}
