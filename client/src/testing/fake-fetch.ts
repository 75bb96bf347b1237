import { answer } from './http.js';
import type { Network } from './network.js';

/** As `fetch` fails where nothing gets through. */
const failed = (): TypeError => new TypeError('fetch failed');

/** The server's HTTP routes as a `fetch`: of any address, the path counts. A request and its answer take a turn of the event loop each, and no time. */
export function fakeFetch(network: Network): typeof fetch {
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(input instanceof Request ? input.url : input, network.house().settings.url);
    const signal = init.signal ?? request?.signal;
    const body = init.body ?? (await request?.text()) ?? '';
    const sent = {
      method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
      url,
      headers: new Headers(init.headers ?? request?.headers),
      body: bodyOf(body),
    };
    return new Promise<Response>((resolve, reject) => {
      const abort = (): void => reject(signal!.reason as Error);
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      network.pass(() => {
        if (!network.isUp()) return reject(failed());
        const house = network.house();
        const { status, body: told, headers } = answer(house, sent);
        const text = told === undefined ? null : typeof told === 'string' ? told : JSON.stringify(told);
        network.pass(() => {
          signal?.removeEventListener('abort', abort);
          // Between the request and its answer the server was restarted, or the network broke: nobody knows whether it was done.
          if (!network.isUp() || network.house() !== house) return reject(failed());
          resolve(
            new Response(text, {
              status,
              headers: { ...(text !== null && { 'content-type': 'application/json; charset=utf-8' }), ...headers },
            }),
          );
        });
      });
    });
  };
}

function bodyOf(body: unknown): string {
  if (typeof body === 'string') return body;
  throw new TypeError('Send the body as a text: the fake server reads JSON alone.');
}
