import type { SchemaObject } from '@nestjs/swagger';
import { type Html, html, htmlPage } from '../../common/http/html.js';
import type { EventMessage, EventOperation, EventsDocument, Reference } from './events.js';
import { API_DOCS_PATH, EVENTS_DOCS_PATH } from './paths.js';

type Schema = SchemaObject | Reference;
type Schemas = Record<string, SchemaObject>;

interface Entry {
  /** Where links on the page lead. */
  id: string;
  message: EventMessage;
  operation?: EventOperation;
}

/** The events as one page to read, made from the document alone. */
export function eventsPage(
  { info, operations, channels, components: { schemas } }: EventsDocument,
  path: string,
): string {
  const { messages } = channels.socket;
  const events = Object.entries(operations).map(([id, operation]) => ({
    id,
    message: named(messages, keyOf(operation.messages[0])),
    operation,
  }));
  const asked = events.filter(({ operation }) => operation.action === 'receive');
  const told = events.filter(({ operation }) => operation.action === 'send');
  const answerKeys = new Set(asked.flatMap(({ operation }) => operation.reply?.messages ?? []).map(keyOf));
  const answers = [...answerKeys].map((id) => ({ id, message: named(messages, id) }));
  const articles = (entries: Entry[]) => entries.map((entry) => article(entry, messages, schemas));

  return htmlPage(
    'Events',
    html`${info.description.split('\n\n').map((paragraph) => html`<p>${prose(paragraph)}</p>`)}
      <p>
        For programs, the same as AsyncAPI: <a href="${path}/${EVENTS_DOCS_PATH}.json">/${EVENTS_DOCS_PATH}.json</a>. The routes:
        <a href="${path}/${API_DOCS_PATH}">/${API_DOCS_PATH}</a>.
      </p>
      <h2>From client to server</h2>
      ${contents(asked)}
      <h2>From server to client</h2>
      ${contents(told)}
      <h2>What a client sends</h2>
      ${articles(asked)}
      <h2>Acknowledgements</h2>
      ${articles(answers)}
      <h2>What the server sends</h2>
      ${articles(told)}`,
  );
}

/** The last part of a reference. */
const keyOf = ({ $ref }: Reference): string => $ref.slice($ref.lastIndexOf('/') + 1);

/** What a reference leads to. */
function named<T>(things: Record<string, T>, key: string): T {
  const thing = things[key];
  if (thing === undefined) throw new Error(`The document of the events refers to ${key}, which it does not hold.`);
  return thing;
}

const contents = (entries: Entry[]): Html =>
  html`<ul>
    ${entries.map(({ id, message }) => html`<li><a href="#${id}"><code>${message.name}</code> ${message.title}</a></li>`)}
  </ul>`;

function article({ id, message, operation }: Entry, messages: Record<string, EventMessage>, schemas: Schemas): Html {
  const answers = (operation?.reply?.messages ?? []).map(keyOf);
  const links = answers.map(
    (key, i) => html`${i > 0 ? ' or ' : ''}<a href="#${key}">${named(messages, key).title}</a>`,
  );
  return html`<article id="${id}">
    <h3>${operation ? html`<code>${message.name}</code> ` : ''}${message.title}</h3>
    ${operation ? html`<p>${operation.summary}</p>` : ''} ${fieldsOf(message.payload, schemas)}
    ${links.length > 0 ? html`<p>Acknowledged with ${links}.</p>` : ''}
  </article>`;
}

/** The fields of an object, or of those in a list, each with those that it holds itself. */
function fieldsOf(schema: Schema, schemas: Schemas): Html {
  const { properties, required = [] } = unwrapSchema(schema, schemas);
  if (!properties) return html``;
  // What tells the kinds of one event apart comes first.
  const fields = Object.entries(properties).sort(([, one], [, other]) => Number(isFixed(other)) - Number(isFixed(one)));
  return html`<dl>
    ${fields.map(
      ([name, field]) => html`<dt><code>${name}</code>${required.includes(name) ? '' : ' (optional)'}</dt>
        <dd>
          <i>${typeOf(field, schemas)}</i>${'description' in field ? html`. ${field.description}.` : ''}
          ${fieldsOf(field, schemas)}
        </dd>`,
    )}
  </dl>`;
}

const isFixed = (field: Schema): boolean => 'enum' in field && field.enum?.length === 1;

/** The schema within lists, references and what may be null. */
function unwrapSchema(schema: Schema, schemas: Schemas): SchemaObject {
  if ('$ref' in schema) return unwrapSchema(named(schemas, keyOf(schema)), schemas);
  const [inner] = schema.allOf ?? schema.anyOf ?? (schema.items ? [schema.items] : []);
  return inner ? unwrapSchema(inner, schemas) : schema;
}

const WORDS: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
};

function typeOf(schema: Schema, schemas: Schemas): string {
  if ('$ref' in schema) return typeOf(named(schemas, keyOf(schema)), schemas);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const choices = schema.allOf ?? schema.anyOf;
  if (choices) return choices.map((choice) => typeOf(choice, schemas)).join(' or ');
  if (schema.items) return `list, each: ${typeOf(schema.items, schemas)}`;
  if (typeof schema.additionalProperties === 'object')
    return `object, each value: ${typeOf(schema.additionalProperties, schemas)}`;
  if (schema.format === 'date-time') return `date${schema.type?.includes('null') ? ' or null' : ''}`;
  const words = [schema.type ?? []].flat().map((type) => WORDS[type] ?? type);
  return words.join(' or ') + bounds(schema);
}

function bounds({ minimum, maximum, minLength, maxLength }: SchemaObject): string {
  const [from, to] = [minimum ?? minLength, maximum ?? maxLength];
  const unit = maxLength === undefined ? '' : ' characters';
  if (from === undefined && to === undefined) return '';
  if (to === undefined) return `, ${from} or more`;
  return from === undefined ? `, at most ${to}${unit}` : `, ${from} to ${to}${unit}`;
}

/** Backticks become code, and nothing else is markup. */
const prose = (text: string): Html[] =>
  text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
