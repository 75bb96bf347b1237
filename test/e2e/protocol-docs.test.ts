// docs/protocol.md, the documents that the server makes of itself, and the sources say the same.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventMessage, type EventsDocument, eventsDocument } from '../../src/api/api-docs/events.js';
import { CLIENT_LIMITS, clientLimits } from '../../src/api/server-info/client-limits.js';
import { FEATURES, featureWords } from '../../src/api/server-info/features.js';
import { openApiDocument } from '../../src/api/api-docs/rest.js';
import { ERROR_CODES } from '../../src/common/error-codes.js';
import { asDomainError } from '../../src/common/errors.js';
import { TestApp } from '../support/app.js';
import { call } from '../support/client.js';
import {
  type LimitSetting,
  numberOf,
  PACKET_COSTS,
  type Quota,
  QUOTAS,
  type Rate,
  RATES,
} from '../../src/common/limits/limits.js';
import { loadConfig } from '../../src/config/config.js';
import { envExample } from '../../src/config/variables.js';
import { givenCodes } from '../support/error-codes.js';
import {
  describedCodes,
  describedPayloads,
  describedRoutes,
  fieldsOfSchema,
  routeName,
  shapeOf,
  shownRoutes,
  socketExamples,
  tableRows,
} from '../support/protocol-text.js';

/** What a framework answers by itself: a bad path or body, no route, too much, no JSON, a server that is stopping. */
const FRAMEWORK_STATUSES = [400, 404, 413, 414, 415, 503];

const missing = <T>(wanted: Iterable<T>, there: Set<T>): T[] => [...wanted].filter((one) => !there.has(one));

describe('docs/protocol.md', () => {
  let app: TestApp;
  let events: EventsDocument;
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    events = eventsDocument(app.app);
  });
  afterAll(() => app.stop());

  it('describes every route, and shows none that does not exist', () => {
    const routes = new Set(
      Object.entries(openApiDocument(app.app).paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => routeName(method.toUpperCase(), path)),
      ),
    );
    expect(
      missing(routes, describedRoutes()),
      'docs/protocol.md lacks these: begin a line of a fenced block with `METHOD /http/…`, as in step 7',
    ).toEqual([]);
    expect(
      missing(shownRoutes(), routes),
      'docs/protocol.md shows these, and the server has no such route: mend the text, or add @ApiOperation to the route',
    ).toEqual([]);
  });

  const messages = () => events.channels.socket.messages;
  const ofAction = (action: 'send' | 'receive'): EventMessage[] =>
    Object.values(events.operations)
      .filter((operation) => operation.action === action)
      .map((operation) => messages()[operation.messages[0].$ref.split('/').at(-1)!]);
  const answers = (): EventMessage[] => Object.values(messages()).filter(({ name }) => name === 'acknowledgement');

  it.each([
    ['Client to server', () => ofAction('receive')],
    ['Server to client', () => ofAction('send')],
    ['Acknowledgements', answers],
  ])('lists under "%s" every payload with every field, and nothing else', (heading, wanted) => {
    const described = describedPayloads(heading);
    const isServerError = heading === 'Acknowledgements';
    const nameOf = (event: string | undefined, title: string) =>
      isServerError ? `\`${title}\`` : `\`${event}\`, \`${title}\``;
    const lines = new Map(
      wanted().map((message) => [
        nameOf(message.name, message.title),
        { fields: fieldsOfSchema(message.payload, events), shape: shapeOf(message.payload, events) },
      ]),
    );
    const there = new Map(described.map(({ event, title, fields }) => [nameOf(event, title), fields]));
    const lacking = [...lines]
      .filter(([name]) => !there.has(name))
      .map(([name, { shape }]) => `- ${name}: \`${shape}\` …`);
    expect(lacking, `docs/protocol.md, "${heading}", lacks these lines, each followed by a few words`).toEqual([]);
    expect(
      [...there.keys()].filter((name) => !lines.has(name)),
      `docs/protocol.md, "${heading}", has lines for what src/sockets/events.ts and src/api/api-docs/event-table.ts do not have`,
    ).toEqual([]);
    for (const [name, { fields, shape }] of lines) {
      expect(
        there.get(name),
        `docs/protocol.md, "${heading}", ${name}: the fields must be those of the class (in any order): \`${shape}\``,
      ).toEqual(fields);
    }
  });

  it('sends in its examples only what there is', () => {
    const names = new Map<string, Set<string>>();
    for (const { name, payload } of Object.values(messages())) {
      const fields = fieldsOfSchema(payload, events).flatMap((field) => field.match(/\w+(?=\??(:|$))/g) ?? []);
      names.set(name, new Set([...(names.get(name) ?? []), ...fields]));
    }
    for (const example of socketExamples()) {
      expect([...names.keys()], 'an example in docs/protocol.md shows an event that does not exist').toContain(
        example.event,
      );
      expect(
        missing(example.names, names.get(example.event)!),
        `an example of ${example.event} in docs/protocol.md shows fields that no such payload has`,
      ).toEqual([]);
    }
    expect(socketExamples().length).toBeGreaterThan(5);
  });

  it('lists every error code that the sources give, and no other', () => {
    const codes = new Set<string>(ERROR_CODES);
    const described = describedCodes();
    expect(missing(codes, described), 'docs/protocol.md, "Errors", lacks these: add a row to the table').toEqual([]);
    expect(missing(described, codes), 'docs/protocol.md, "Errors", has rows for codes that there are not').toEqual([]);
    const given = givenCodes();
    for (const status of FRAMEWORK_STATUSES) given.add(asDomainError({ status })!.code);
    expect(
      missing(codes, given),
      'nothing in src/ gives these (any more); or the code is no plain text where the error is made, so that it cannot be found',
    ).toEqual([]);
  });
});

describe('the limits', () => {
  const config = loadConfig({});
  const variable = (setting: number | LimitSetting): string =>
    typeof setting === 'number' ? '' : `\`${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}\``;
  const number = (given: number | LimitSetting): string => numberOf(given, config).toLocaleString('en');
  const time = (seconds: number): string =>
    seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;

  it('stand in docs/protocol.md as in src/common/limits/limits.ts', () => {
    expect(tableRows('### Rates')).toEqual([
      '| what | how many | for each | setting |',
      ...Object.values<Rate>(RATES).map(
        ({ what, points, seconds, by }) =>
          `| ${what} | ${number(points)} in ${time(seconds)} | ${by} | ${variable(points)} |`,
      ),
    ]);
    expect(tableRows('### Quotas')).toEqual([
      '| what | at most | past it | setting |',
      ...Object.values<Quota>(QUOTAS).map(
        ({ what, most, past }) => `| ${what} | ${number(most)} | ${past} | ${variable(most)} |`,
      ),
    ]);
    expect(tableRows('### Counted packets')).toEqual([
      '| what | costs |',
      ...Object.values(PACKET_COSTS).map(({ what, cost }) => `| ${what} | ${cost} |`),
    ]);
    const bounds = Object.fromEntries(tableRows('## Conventions').map((row) => row.split(' | ').slice(0, 2)));
    expect(bounds).toMatchObject({
      '| packets of one connection': expect.stringMatching(
        `^${config.socketPacketsPerSecond} a second on average and ${(4 * config.socketPacketsPerSecond).toLocaleString('en')} at once`,
      ),
      '| sockets of one network': expect.stringMatching(`^${config.socketsPerNetwork.toLocaleString('en')}, `),
      '| connections of one network': expect.stringMatching(
        `^${config.connectionsPerNetwork.toLocaleString('en')} of any`,
      ),
    });
    for (const setting of [
      ...Object.values<Rate>(RATES).map(({ points }) => points),
      ...Object.values(QUOTAS).map(({ most }) => most),
    ])
      if (typeof setting === 'string') expect(envExample()).toContain(`#${variable(setting).replaceAll('`', '')}=`);
  });
});

describe('what GET /http/server says', () => {
  it('stands in docs/protocol.md word for word, and number for number', () => {
    expect(tableRows('### Features')).toEqual([
      '| word | the server has |',
      ...featureWords().map((word) => `| \`${word}\` | ${FEATURES[word]} |`),
    ]);
    const numbers = clientLimits(loadConfig({}));
    expect(tableRows('### Numbers')).toEqual([
      '| name | what | here |',
      ...Object.entries(CLIENT_LIMITS)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { what }]) => `| \`${name}\` | ${what} | ${numbers[name].toLocaleString('en')} |`),
    ]);
  });
});

describe('the OpenAPI document', () => {
  it('says of every route what stands in its path, and of a GET what it takes, with the bounds', async () => {
    const app = await TestApp.start('sqlite');
    const { paths } = openApiDocument(app.app);
    const parametersOf = (path: string, method: 'get' | 'put' | 'post' | 'delete') =>
      (paths[path][method]?.parameters ?? []) as { name: string; in: string; required: boolean; schema: object }[];
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods) as 'get'[]) {
        const inPath = parametersOf(path, method).filter((parameter) => parameter.in === 'path');
        const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        expect(inPath.map(({ name }) => name).sort(), `${method} ${path}`).toEqual(names.sort());
      }
    expect(parametersOf('/http/chat_rooms/{id}', 'get')).toEqual(
      expect.arrayContaining([
        { name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } },
        expect.objectContaining({
          name: 'before',
          in: 'query',
          required: false,
          schema: { type: 'integer', nullable: true, minimum: 1, maximum: 2 ** 31 - 1 },
        }),
      ]),
    );
    const queryOf = (path: string) =>
      parametersOf(path, 'get')
        .filter((parameter) => parameter.in === 'query')
        .map(({ name }) => name);
    expect(queryOf('/http/users')).toEqual(expect.arrayContaining(['cursor', 'query']));
    const lists = Object.entries(paths).filter(([, { get }]) => get?.summary?.includes('Link leads on'));
    for (const [path] of lists) expect(queryOf(path), path).toContain('cursor');
    await app.stop();
  });

  it('says 400 of every route that answers so to an id or a cursor that is none', async () => {
    const app = await TestApp.start('sqlite');
    const { token } = await app.createUser('ada@example.com', 'Ada');
    const silent: string[] = [];
    for (const [path, methods] of Object.entries(openApiDocument(app.app).paths)) {
      for (const [method, { responses }] of Object.entries(methods as Record<string, { responses: object }>)) {
        const bad = path.includes('{id}') ? path.replaceAll(/\{.*?\}/g, 'x') : `${path}?cursor=none`;
        // The others would do something.
        if ((method !== 'get' && !path.includes('{id}')) || path.endsWith('/logout')) continue;
        const { status } = await call(app, method.toUpperCase(), bad, { token });
        if (status === 400 && !('400' in responses)) silent.push(routeName(method.toUpperCase(), path));
      }
    }
    expect(silent, 'add 400 to the @ApiErrors of these').toEqual([]);
    await app.stop();
  });
});
