const ID = '[1-9]\\d{0,14}';

/** The routes of the web client: what `parse` in web/src/routes.ts knows, and a test compares the two. */
const ROUTES = new RegExp(
  `^/(|login|register|mail|welcome|forgot|mentions|settings|helper|reset/[^/]+|with/${ID}|group/${ID}(/members)?)$`,
);

export const isRouteOfApp = (path: string): boolean => ROUTES.test(path.replace(/\/$/, '') || '/');

/** What belongs to programs, whatever they accept. */
export const isOfApi = (path: string): boolean => /^\/(http|socket|health)(\/|$)/.test(path);

/** The path of a request as the router reads it: without the query, and the host that a request may name in front of it; decoded once. */
export function pathOf(url: string): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
