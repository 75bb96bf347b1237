import type { Identity } from '../../common/identity.js';
import type { ClientEvents, Refused } from '../../sockets/events.js';

/** What is done with an event that clients send. */
export interface EventRoute {
  /** Makes the payload what the method takes. @throws Invalid */
  parse: (payload: unknown) => unknown;
  /** Resolves to the acknowledgement. */
  handle: (me: Identity, payload: unknown) => Promise<object>;
}

type AcknowledgeOf<E extends keyof ClientEvents> = NonNullable<Parameters<ClientEvents[E]>[1]>;
type AnswerTo<E extends keyof ClientEvents> = Exclude<Parameters<AcknowledgeOf<E>>[0], Refused>;

type Handle = EventRoute['handle'];

const declared = new WeakMap<object, { event: string; parse: EventRoute['parse']; handle: Handle }[]>();

/**
 * The method answers this event, once the guard has taken its token and `parse` its payload. In place of Nest's `@SubscribeMessage()`, whose
 * pipeline of promises took a tenth of a message's time and a third of its memory.
 * @param parse synchronous: two messages of one socket to one chat must reach its queue in the order in which they arrived
 */
export function OnEvent<E extends keyof ClientEvents, T>(event: E, parse: (payload: unknown) => T) {
  return <A extends AnswerTo<E>>(
    gateway: object,
    _method: string,
    { value: handle }: TypedPropertyDescriptor<(me: Identity, payload: T) => Promise<A>>,
  ): void => {
    const routes = declared.get(gateway) ?? [];
    routes.push({ event, parse, handle: handle as Handle });
    declared.set(gateway, routes);
  };
}

/** By event, what the class of this gateway declares. */
export function eventRoutesOf(gateway: object): Map<string, EventRoute> {
  const routes = declared.get(Object.getPrototypeOf(gateway) as object) ?? [];
  return new Map(routes.map(({ event, parse, handle }) => [event, { parse, handle: handle.bind(gateway) }]));
}
