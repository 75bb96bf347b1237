import type { Clock } from './clock.js';
import { fromWire, ParleyError } from './errors.js';
import { onAbort } from './store.js';

/** The server answers within ten seconds, whatever is wrong behind it; what takes longer is the way there. */
const TIMEOUT_MS = 20_000;

export interface Ask {
  query?: Readonly<Record<string, string | number | undefined>> | undefined;
  body?: object;
  signal?: AbortSignal | undefined;
  /** Of whom, if not of who is signed in; null: of nobody. */
  token?: string | null;
}

export interface Answer<T> {
  body: T;
  /** A list goes on there. */
  next?: string;
}

/** The server's HTTP routes. Each request has a deadline and ends in an answer or a ParleyError. */
export class Http {
  constructor(
    private readonly base: string,
    private readonly send: typeof fetch,
    private readonly clock: Clock,
    private readonly token: () => string | undefined,
  ) {}

  async ask<T = void>(method: string, path: string, ask: Ask = {}): Promise<T> {
    return (await this.request<T>(method, path, ask)).body;
  }

  /** All pages of a list, one after another: at most 50,000 rows. */
  async list<T>(path: string, signal?: AbortSignal): Promise<T[]> {
    const rows: T[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 50; page++) {
      const answer: Answer<T[]> = await this.request<T[]>('GET', path, { query: { cursor }, signal });
      rows.push(...answer.body);
      cursor = answer.next;
      if (cursor === undefined) break;
    }
    return rows;
  }

  async request<T>(method: string, path: string, ask: Ask = {}): Promise<Answer<T>> {
    const url = new URL('http/' + path, this.base);
    for (const [name, value] of Object.entries(ask.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers: Record<string, string> = { accept: 'application/json' };
    const token = ask.token === undefined ? this.token() : ask.token;
    if (token) headers['authorization'] = `Bearer ${token}`;
    if (ask.body) headers['content-type'] = 'application/json';

    const stop = new AbortController();
    const outer = ask.signal;
    const abort = (): void => stop.abort();
    const endAbort = onAbort(outer, abort);
    const endTimer = this.clock.after(TIMEOUT_MS, abort);
    try {
      const response = await this.send(url.href, {
        method,
        headers,
        signal: stop.signal,
        credentials: 'omit',
        cache: 'no-store',
        ...(ask.body && { body: JSON.stringify(ask.body) }),
      });
      const text = await response.text();
      const body: unknown = text === '' ? undefined : parse(text, response.status);
      if (!response.ok) throw fromWire(body, response.status);
      const next = /[?&]cursor=([^&>]+)[^>]*>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
      return { body: body as T, ...(next && { next: decodeURIComponent(next) }) };
    } catch (error) {
      if (error instanceof ParleyError) throw error;
      if (outer?.aborted) throw new ParleyError('aborted', 'The request was taken back.', { cause: outer.reason });
      if (stop.signal.aborted) throw new ParleyError('timeout', `No answer within ${TIMEOUT_MS / 1000} s.`);
      throw new ParleyError('offline', 'The server cannot be reached.', { cause: error });
    } finally {
      endTimer();
      endAbort();
    }
  }
}

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A proxy's page, say.
    if (status >= 400) return undefined;
    throw new ParleyError('unexpected', `The answer was no JSON (${status}): is this the address of a Parley server?`, {
      status,
    });
  }
}
