import type { SchemaObject } from '@nestjs/swagger';
import { type Html, html } from '../../common/http/html.js';
import { BRAND, htmlPage, policyOf } from '../../common/http/page.js';
import { EVENTS_SCRIPT, EVENTS_STYLE } from './events-page-parts.js';
import type { EventMessage, EventOperation, EventsDocument, Reference } from './events.js';
import { API_DOCS_PATH, EVENTS_DOCS_PATH } from './paths.js';

type Schema = SchemaObject | Reference;
type Schemas = Record<string, SchemaObject>;

interface Entry {
  /** Targets of the links on the page. */
  id: string;
  message: EventMessage;
  operation?: EventOperation;
}

interface Section {
  title: string;
  entries: Entry[];
}

const PARTS = { style: EVENTS_STYLE, script: EVENTS_SCRIPT };

export const EVENTS_PAGE_CSP = policyOf(PARTS);

/** The events as a page, made only from the document. */
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
  const received = events.filter(({ operation }) => operation.action === 'receive');
  const sent = events.filter(({ operation }) => operation.action === 'send');
  const answerKeys = new Set(received.flatMap(({ operation }) => operation.reply?.messages ?? []).map(keyOf));
  const answers = [...answerKeys].map((id) => ({ id, message: named(messages, id) }));
  const sections: Section[] = [
    { title: 'What a client sends', entries: received },
    { title: 'Acknowledgements', entries: answers },
    { title: 'What the server sends', entries: sent },
  ];

  return htmlPage(
    'Events',
    html`<div class="docs">
      <div class="side">
        <header>${BRAND}</header>
        <search class="find" hidden>
          <label for="find">Find an event or a field</label>
          <input id="find" type="search" autocomplete="off" spellcheck="false" />
          <p id="found" role="status"></p>
        </search>
        <nav aria-label="All events">${contents(sections)}</nav>
        <details class="fold"><summary>All events</summary><nav aria-label="All events, folded">${contents(sections)}</nav></details>
      </div>
      <main>
        <div id="intro">
          <h1>Events</h1>
          ${info.description.split('\n\n').map((paragraph) => html`<p>${prose(paragraph)}</p>`)}
          <p>
            For programs, the same as AsyncAPI: <a href="${path}/${EVENTS_DOCS_PATH}.json">/${EVENTS_DOCS_PATH}.json</a>. The routes:
            <a href="${path}/${API_DOCS_PATH}">/${API_DOCS_PATH}</a>.
          </p>
        </div>
        ${sections.map(
          ({ title, entries }) =>
            html`<section>
              <h2>${title}</h2>
              ${entries.map((entry) => article(entry, messages, schemas))}
            </section>`,
        )}
      </main>
    </div>`,
    PARTS,
  );
}

/** The name at the end of a reference. */
const keyOf = ({ $ref }: Reference): string => $ref.slice($ref.lastIndexOf('/') + 1);

/** The target of a reference. */
function named<T>(things: Record<string, T>, key: string): T {
  const thing = things[key];
  if (thing === undefined) throw new Error(`The document of the events refers to ${key}, which it does not hold.`);
  return thing;
}

/** What an entry is called. Acknowledgements have no name of an event. */
const titleOf = ({ message, operation }: Entry): string => operation?.title ?? message.title;

const contents = (sections: Section[]): Html[] =>
  sections.map(
    ({ title, entries }) =>
      html`<p class="of">${title}</p>
        <ul>
          ${entries.map(
            (entry) =>
              html`<li><a href="#${entry.id}">${titleOf(entry)}${entry.operation ? html` <code>${entry.message.name}</code>` : ''}</a></li>`,
          )}
        </ul>`,
  );

// Browsers open what is folded around the target of a link, so the target is inside.
function article(entry: Entry, messages: Record<string, EventMessage>, schemas: Schemas): Html {
  const { id, message, operation } = entry;
  const answers = (operation?.reply?.messages ?? []).map(keyOf);
  const links = answers.map(
    (key, i) => html`${i > 0 ? ' or ' : ''}<a href="#${key}">${named(messages, key).title}</a>`,
  );
  return html`<details class="entry">
    <summary><h3>${titleOf(entry)}${operation ? html` <code>${message.name}</code>` : ''}</h3></summary>
    <div id="${id}">
      ${operation ? html`<p>${prose(operation.summary)}</p>` : ''}
      <pre><code>${written(message.examples[0].payload)}</code></pre>
      ${fieldsOf(message.payload, schemas)}
      ${operation ? html`<p class="fine">Class <code>${message.title}</code>${links.length > 0 ? html`, acknowledged with ${links}` : ''}.</p>` : ''}
    </div>
  </details>`;
}

/** Longest object that stands in one line. */
const ONE_LINE = 48;

/** JSON with short objects and lists in one line. */
function written(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  const parts = Object.entries(value).map(([name, content]) => [isList ? '' : `${JSON.stringify(name)}: `, content]);
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  const inOne = parts.map(([name, content]) => name + written(content)).join(', ');
  if (inOne.length <= ONE_LINE && !inOne.includes('\n')) return isList ? `[${inOne}]` : `{ ${inOne} }`;
  const inner = `${indent}  `;
  return `${open}\n${parts.map(([name, content]) => inner + name + written(content, inner)).join(',\n')}\n${indent}${close}`;
}

/** The fields of an object, or of the objects in a list, each with its own fields. */
function fieldsOf(schema: Schema, schemas: Schemas): Html {
  const { properties, required = [] } = unwrapSchema(schema, schemas);
  if (!properties) return html``;
  // First the field by which the kinds of one event differ.
  const fields = Object.entries(properties).sort(([, one], [, other]) => Number(isFixed(other)) - Number(isFixed(one)));
  return html`<dl>
    ${fields.map(
      ([
        name,
        field,
      ]) => html`<dt><code>${name}</code>${required.includes(name) ? '' : html` <small>optional</small>`}</dt>
        <dd>
          <i>${typeOf(field, schemas)}</i>${'description' in field ? html`. ${field.description}.` : ''}
          ${fieldsOf(field, schemas)}
        </dd>`,
    )}
  </dl>`;
}

const isFixed = (field: Schema): boolean => 'enum' in field && field.enum?.length === 1;

/** The schema inside lists, references and nullable types. */
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
