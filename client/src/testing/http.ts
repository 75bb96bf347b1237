import type { House, Identity } from './house.js';
import { invalid, notFound, Refusal, tokenMissing } from './refusal.js';
import type { Route } from './route.js';
import { ROUTES } from './routes.js';

const LIST_LIMIT = 1_000;
/** Largest body that is read. */
const MOST_BYTES = 64 * 1024;

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** As it was sent; empty for none. */
  readonly body: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** Undefined: none. A text is sent as it is, all else as JSON. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request has come. @param me who asks, whatever token stands in the headers: a hand of the test's */
export function answer(house: House, request: HttpRequest, me?: Identity): HttpAnswer {
  try {
    return answerOrThrow(house, request, me);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { retryAfter } = error;
    return {
      status: error.status,
      body: error.httpBody(),
      headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    };
  }
}

function answerOrThrow(house: House, request: HttpRequest, hand?: Identity): HttpAnswer {
  const sent = bodyOf(request);
  const { route, params } = find(request);
  const me = hand ?? (route.isPublic ? { user_id: 0, session_id: 0 } : identify(house, request));
  if (!route.isPublic) {
    if (request.method === 'GET') house.logins.countRead(me, route.cost(request.url.searchParams));
    else house.logins.countWrite(me);
  }
  if (route.refusable) house.assertWanted(route.refusable);
  const query = Object.fromEntries(request.url.searchParams);
  const body = route.run({
    house,
    me,
    id: (name = 'id') => idIn(params, name),
    word: params.get('word') ?? '',
    given: request.method === 'GET' ? { ...query, ...sent } : sent,
    device: request.headers.get('user-agent') ?? '',
  });
  if (route.status === 204) return { status: 204, body: undefined, headers: {} };
  if (!route.isList) return { status: route.status, body, headers: route.headers };
  return listed(house, request.url, body as readonly unknown[]);
}

/** The longest match that is no guess: a word in the path goes before what may be anything. */
function find({ method, url }: HttpRequest): { route: Route; params: ReadonlyMap<string, string> } {
  const path = url.pathname.replace(/\/$/, '').split('/').slice(1);
  for (const route of ROUTES) {
    if (route.method !== method || route.path.length !== path.length) continue;
    const params = new Map<string, string>();
    const fits = route.path.every((part, i) => {
      const given = decodeURIComponent(path[i]!);
      if (part.startsWith(':')) params.set(part.slice(1), given);
      return part.startsWith(':') || part === given;
    });
    if (fits) return { route, params };
  }
  throw notFound('route', ' See /http/docs.');
}

/** @throws Refusal */
function identify(house: House, { headers }: HttpRequest): Identity {
  const given = headers.get('authentication') || /^Bearer +\S+$/i.exec(headers.get('authorization') ?? '')?.[0];
  if (!given) throw tokenMissing();
  return house.logins.authenticate(given.replace(/^Bearer +/i, ''));
}

/** @throws Refusal */
function bodyOf({ body, headers }: HttpRequest): object {
  if (body === '') return {};
  if (new TextEncoder().encode(body).length > MOST_BYTES)
    throw new Refusal('too_large', 'The request is larger than 64 KiB. Send less.');
  if (!/^application\/json\b/i.test(headers.get('content-type') ?? ''))
    throw new Refusal('unsupported_media_type', 'Send JSON, with the header content-type: application/json.');
  try {
    return JSON.parse(body) as object;
  } catch {
    throw invalid('The body is not valid JSON.');
  }
}

/** @throws Refusal */
function idIn(params: ReadonlyMap<string, string>, name: string): number {
  const text = params.get(name) ?? '';
  if (!/^[1-9]\d*$/.test(text))
    throw invalid('The id in the path must be a whole number.', { [name]: ['must be a whole number'] });
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

/**
 * The page of a list that the address asks for. (The cursor of the real server names the last row of a page, that of this one its number:
 * rows that come and go between two pages may be missed here.)
 */
function listed({ settings }: House, url: URL, rows: readonly unknown[]): HttpAnswer {
  const from = readCursor(url.searchParams.get('cursor'));
  const page = rows.slice(from, from + LIST_LIMIT);
  const next = new URL(settings.url + url.pathname + url.search);
  next.searchParams.set('cursor', `row_${from + LIST_LIMIT}`);
  const hasMore = rows.length > from + LIST_LIMIT;
  return { status: 200, body: page, headers: hasMore ? { link: `<${next.href}>; rel="next"` } : {} };
}

/** @throws Refusal */
function readCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  const row = /^row_(\d{1,9})$/.exec(cursor)?.[1];
  if (row === undefined)
    throw invalid('cursor must be taken from a Link header.', { cursor: ['must be taken from a Link header'] });
  return Number(row);
}
