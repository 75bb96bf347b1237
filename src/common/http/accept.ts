import Negotiator from 'negotiator';

/** Whether an `Accept` header prefers a page to JSON, as that of a browser does. */
export const isBrowser = (accept: string | undefined): boolean =>
  new Negotiator({ headers: { accept: accept ?? '*/*' } }).mediaType(['application/json', 'text/html']) === 'text/html';
