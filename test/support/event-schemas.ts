import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { EventMessage, EventsDocument, Reference } from '../../src/api/api-docs/events.js';

/** Holds what crosses sockets against the schemas of the classes, which here refuse every field that they do not name. */
export class EventSchemas {
  private readonly messages: Record<string, EventMessage>;
  private readonly validators: Record<string, ValidateFunction>;
  private readonly unseen: Set<string>;
  /** What did not fit, with the reasons. */
  readonly wrong: string[] = [];

  constructor(private readonly document: EventsDocument) {
    const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
    formats.default(ajv);
    // OpenAPI's word, for people.
    ajv.addKeyword('example');
    const components = closed(document.components);
    // Where `#/components/…` is looked for.
    ajv.addVocabulary(['components']);
    this.messages = document.channels.socket.messages;
    this.validators = Object.fromEntries(
      Object.entries(this.messages).map(([key, { payload }]) => [key, ajv.compile({ ...payload, components })]),
    );
    this.unseen = new Set(Object.keys(this.messages));
  }

  /** What no socket has sent or got yet: `message_RoomMessage`, `acknowledgement_Stored`. */
  get missing(): string[] {
    return [...this.unseen];
  }

  /** The server sent this event. */
  told(event: string, payload: unknown): void {
    const operations = Object.values(this.document.operations).filter(({ action }) => action === 'send');
    const keys = operations.flatMap(({ messages }) => messages.map(keyOf));
    this.check(
      event,
      payload,
      keys.filter((key) => this.messages[key].name === event),
    );
  }

  /** A client sent a payload of this class, and got this acknowledgement. */
  asked(event: string, title: string, payload: unknown, answer: unknown): void {
    const { messages, reply } = this.document.operations[`receive_${event}_${title}`];
    this.check(event, payload, messages.map(keyOf));
    if (reply) this.check(`the acknowledgement of ${title}`, answer, reply.messages.map(keyOf));
  }

  /** A payload that a document shows as one of this message's. */
  shown(key: string, payload: unknown): void {
    this.check(`the example of ${key}`, payload, [key]);
  }

  private check(what: string, payload: unknown, keys: string[]): void {
    const fitting = keys.filter((key) => this.validators[key](payload));
    for (const key of fitting) this.unseen.delete(key);
    if (fitting.length === 1) return;
    const reasons = keys.map((key) => `  ${key}: ${this.reasons(key, payload)}`).join('\n');
    this.wrong.push(`${what} ${JSON.stringify(payload)} must fit exactly one of these:\n${reasons}`);
  }

  private reasons(key: string, payload: unknown): string {
    const validate = this.validators[key];
    if (validate(payload)) return 'fits';
    const errors = validate.errors ?? [];
    return errors
      .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
      .join('; ');
  }
}

const keyOf = ({ $ref }: Reference): string => $ref.slice($ref.lastIndexOf('/') + 1);

function closed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(closed) as T;
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
  return ('properties' in copy ? { ...copy, additionalProperties: false } : copy) as T;
}
