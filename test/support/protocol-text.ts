import { readFileSync } from 'node:fs';
import type { EventsDocument, Reference } from '../../src/api/api-docs/events.js';
import type { SchemaObject } from '@nestjs/swagger';

/*
 * What docs/protocol.md says in a form that can be checked: its shapes are described in CONTRIBUTING.md, "A socket event".
 */

const TEXT = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The text below a heading, up to the next of the same or a higher level. */
function section(heading: string): string {
  const level = heading.indexOf(' ');
  const start = TEXT.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`docs/protocol.md has no heading "${heading}" (any more).`);
  const rest = TEXT.slice(start + heading.length + 2);
  return rest.split(new RegExp(`^#{1,${level}} `, 'm'))[0];
}

const METHOD_AND_PATH = /\b(GET|POST|PUT|DELETE|PATCH) (\/http(?:<[^>]*>|[^\s`"'<),.])*)/;

/** `GET /http/chat_rooms/7?limit=5` and `GET /http/chat_rooms/{id}` are one route. */
export const routeName = (method: string, path: string): string =>
  `${method} ${path.replace(/\?.*/, '').replace(/\/(\d+|<[^>]*>|\{[^}]*\})/g, '/{}')}`;

const fenced = (): string[] => [...TEXT.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, block]) => block);

/** The routes that head a fenced block: these are described. */
export const describedRoutes = (): Set<string> =>
  new Set(
    fenced()
      .flatMap((block) => block.split('\n'))
      .map((line) => new RegExp(`^${METHOD_AND_PATH.source}`).exec(line))
      .flatMap((found) => (found ? [routeName(found[1], found[2])] : [])),
  );

/** Every route that is shown anywhere. */
export const shownRoutes = (): Set<string> =>
  new Set([...TEXT.matchAll(new RegExp(METHOD_AND_PATH, 'g'))].map(([, method, path]) => routeName(method, path)));

/** The codes in the table of errors. */
export const describedCodes = (): Set<string> =>
  new Set([...section('## Errors').matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code));

/** The rows of the table below a heading, each cell without the spaces around it. */
export const tableRows = (heading: string): string[] =>
  [...section(heading).matchAll(/^\|(.*)\|$/gm)]
    .map(
      ([, cells]) =>
        `|${cells
          .split('|')
          .map((cell) => ` ${cell.trim()} `)
          .join('|')}|`,
    )
    .filter((row) => !/^\|[ |-]*\|$/.test(row));

export interface DescribedPayload {
  event?: string;
  title: string;
  fields: string[];
}

/** The lines of a list under "Socket events": - `event`, `Class`: `{field, field?, …}` what it is */
export const describedPayloads = (heading: string): DescribedPayload[] =>
  [...section(`### ${heading}`).matchAll(/^- (?:`(\w+)`, )?`(\w+)`: `([^`]+)`/gm)].map(([, event, title, shape]) => ({
    event,
    title,
    fields: fieldsOfText(shape),
  }));

/** The examples in the steps: what crosses the socket, with the names of its fields. */
export const socketExamples = (): { event: string; names: string[] }[] =>
  fenced().flatMap((block) =>
    block
      .split(/^(?=\S)/m)
      .map((entry) => /^(?:SOCKET (\w+)|(acknowledgement)) (.*)/s.exec(entry))
      .flatMap((found) =>
        found
          ? [{ event: found[1] ?? found[2], names: [...found[3].matchAll(/"(\w+)":/g)].map(([, name]) => name) }]
          : [],
      ),
  );

/** `{a: "x", b?, c: [{d}]}` as `a: "x"`, `b?`, `c`, `c.d`. */
function fieldsOfText(shape: string): string[] {
  const tokens = shape.match(/"[^"]*"|\w+|[{}[\]:?,]/g) ?? [];
  const fields: string[] = [];
  const value = (prefix: string): string => {
    const token = tokens.shift();
    if (token === '[') {
      value(prefix);
      expectToken(tokens, ']', shape);
      return '';
    }
    if (token !== '{') return `: ${token}`;
    while (tokens[0] !== '}') {
      const name = tokens.shift();
      if (!name || !/^\w+$/.test(name)) throw new Error(`docs/protocol.md: ${shape} is no list of fields.`);
      const optional = tokens[0] === '?' ? tokens.shift() : '';
      const place = fields.push('') - 1;
      const literal = tokens[0] === ':' ? (tokens.shift(), value(`${prefix}${name}.`)) : '';
      fields[place] = `${prefix}${name}${optional}${literal}`;
      if (tokens[0] === ',') tokens.shift();
    }
    tokens.shift();
    return '';
  };
  value('');
  return fields.sort();
}

function expectToken(tokens: string[], token: string, shape: string): void {
  if (tokens.shift() !== token) throw new Error(`docs/protocol.md: ${shape} lacks a ${token}`);
}

type Schema = SchemaObject | Reference;

/** The shape of a schema as docs/protocol.md writes it. */
export function shapeOf(schema: Schema, document: EventsDocument): string {
  if ('$ref' in schema) return shapeOf(document.components.schemas[schema.$ref.split('/').at(-1)!], document);
  const [inner] = schema.allOf ?? schema.anyOf ?? [];
  if (inner) return shapeOf(inner, document);
  if (schema.enum?.length === 1) return JSON.stringify(schema.enum[0]);
  if (schema.items) {
    const item = shapeOf(schema.items, document);
    return item && `[${item}]`;
  }
  if (!schema.properties) return '';
  const fields = Object.entries(schema.properties).map(([name, field]) => {
    const shape = shapeOf(field, document);
    return `${name}${schema.required?.includes(name) ? '' : '?'}${shape && `: ${shape}`}`;
  });
  return `{${fields.join(', ')}}`;
}

export const fieldsOfSchema = (schema: Schema, document: EventsDocument): string[] =>
  fieldsOfText(shapeOf(schema, document));
