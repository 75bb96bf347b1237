import type { Config } from '../../config/config.js';
import { isLoopbackName } from '../../config/loopback.js';
import { type Check, ok, warn } from './check.js';

const ASK_WITHIN_MS = 5_000;

/** Whether a Parley answers there: its status, or the reason why there is none. */
async function ask(url: string): Promise<number | string> {
  try {
    const { status } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(ASK_WITHIN_MS) });
    return status;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return cause?.code ?? message;
  }
}

/** Where this machine reaches the server without a proxy. */
export function localUrl({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

export const publicUrl: Check = {
  name: 'public url',
  async look(config) {
    const url = config.publicUrl;
    const { protocol, hostname } = new URL(url);
    const isPlain = protocol === 'http:' && !isLoopbackName(hostname);
    const plain = isPlain
      ? [
          warn(
            `PUBLIC_URL is ${url}: passwords and tokens cross the network as they are. Put a proxy with TLS in front, and set PUBLIC_URL to its https:// address.`,
          ),
        ]
      : [];
    const given =
      config.production && !config.publicUrlGiven
        ? [warn(`PUBLIC_URL is not set: links in mails lead to ${url}. Set it to where people reach this server.`)]
        : [];
    const answer = await ask(`${url}/health/live`);
    if (answer === 200) return [ok(`${url} answers.`), ...plain, ...given];
    if (typeof answer === 'number')
      return [
        warn(`${url}/health/live answers ${answer}, and not 200. Another server may be there: check PUBLIC_URL.`),
        ...plain,
        ...given,
      ];
    const isRunning = (await ask(`${localUrl(config)}/health/live`)) === 200;
    const nobody = isRunning
      ? warn(
          `${url} does not answer (${answer}), though the server runs at ${localUrl(config)}. Check PUBLIC_URL, the proxy and the name.`,
        )
      : ok(`${url} does not answer (${answer}): the server does not run.`);
    return [nobody, ...plain, ...given];
  },
};

export const proxy: Check = {
  name: 'proxies',
  look({ trustProxy, publicUrl: url, host }) {
    const isTls = new URL(url).protocol === 'https:';
    const isOpen = !isLoopbackName(host);
    if (trustProxy === false)
      return Promise.resolve([
        isTls
          ? warn(
              'TRUST_PROXY is off, and PUBLIC_URL has https, which needs a proxy: everybody counts as one address, and a hundred wrong passwords lock all out. Set TRUST_PROXY=1, or the address of the proxy.',
            )
          : ok('TRUST_PROXY is off: right without a proxy.'),
      ]);
    if (typeof trustProxy === 'number' && isOpen)
      return Promise.resolve([
        warn(
          `TRUST_PROXY is a number, and HOST is ${host}: whoever reaches port and address without the proxy can forge an address. Keep the port from strangers, or set TRUST_PROXY to the address of the proxy.`,
        ),
      ]);
    return Promise.resolve([
      ok(
        typeof trustProxy === 'number'
          ? `TRUST_PROXY is ${trustProxy}: the last ${trustProxy === 1 ? 'entry' : `${trustProxy} entries`} of X-Forwarded-For count.`
          : `TRUST_PROXY is ${trustProxy.join(', ')}.`,
      ),
    ]);
  },
};
