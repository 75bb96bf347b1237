import Negotiator from 'negotiator';

/** Whether whoever sent this `Accept` header likes a page better than JSON: people open links in a browser, programs ask for JSON. */
export const isBrowser = (accept: string | undefined): boolean =>
  new Negotiator({ headers: { accept: accept ?? '*/*' } }).mediaType(['application/json', 'text/html']) === 'text/html';
