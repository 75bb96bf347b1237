import type { FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { isBrowser } from '../../common/http/accept.js';
import { html } from '../../common/http/html.js';
import type { Config } from '../../config/config.js';
import { type BuiltFile, builtFile, readBuiltFiles } from './built-files.js';
import { isOfApi, isRouteOfApp, pathOf } from './paths.js';

/** The one page of the app, for every route of it. */
const SHELL = '/index.html';

/**
 * The web client, as it was built into `web/dist`. It answers requests before the routes of the API do: for its files, whatever the request
 * accepts; and for all that is no route of the API, where the request prefers HTML. Programs get what they get without it.
 */
export class WebClient {
  private readonly files: Map<string, BuiltFile>;
  private readonly shell: BuiltFile;
  private readonly policy: string;

  private constructor(folder: string, config: Config) {
    this.files = readBuiltFiles(folder);
    const { content } = this.files.get(SHELL)!;
    this.shell = builtFile(SHELL, Buffer.from(belowPath(content.toString(), config.publicPath)));
    this.files.set(SHELL, this.shell);
    this.policy = contentSecurityPolicy(config.publicUrl);
  }

  /** Undefined where it is not served. */
  static of(config: Config): WebClient | undefined {
    return config.webClientFolder === undefined ? undefined : new WebClient(config.webClientFolder, config);
  }

  /** @returns whether it has answered */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const path = pathOf(request.url);
    if (isOfApi(path)) return false;
    const file = this.files.get(path);
    if (file) {
      send(request, path === SHELL ? this.withPolicy(reply) : reply, file);
      return true;
    }
    const isRoot = path.replace(/\/$/, '') === '';
    if (!isRoot && !request.is404) return false;
    if (!isRouteOfApp(path)) return this.answerUnknown(request, reply);
    if (!isBrowser(request.headers.accept)) return false;
    send(request, varyBy('accept', this.withPolicy(reply)), this.shell);
    return true;
  }

  /** For what is no route of anybody's. The app says so in its own words. @returns whether it has answered */
  answerUnknown(request: FastifyRequest, reply: FastifyReply): boolean {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    if (isOfApi(pathOf(request.url)) || !isBrowser(request.headers.accept)) return false;
    void varyBy('accept', this.withPolicy(reply))
      .status(404)
      .header('cache-control', this.shell.cacheControl)
      .type(this.shell.type)
      .send(this.shell.content);
    return true;
  }

  private withPolicy(reply: FastifyReply): FastifyReply {
    return reply.header('content-security-policy', this.policy);
  }
}

/** The app is built without knowing where it will be served: what `./` begins is below the path of PUBLIC_URL, on whatever route it is shown. */
const belowPath = (page: string, publicPath: string): string => {
  const base = html`${publicPath}/`.text;
  return page.replace(/(\s(?:src|href)=["'])\.\//g, (_, before: string) => before + base);
};

/** Nothing but its own files runs, and it speaks to this server alone. */
function contentSecurityPolicy(publicUrl: string): string {
  const { protocol, host } = new URL(publicUrl);
  // Not all browsers count the WebSockets of an origin as 'self'.
  const socket = `${protocol === 'https:' ? 'wss' : 'ws'}://${host}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${socket}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types parley-sw',
  ].join('; ');
}

/** Beside what CORS has put there. */
const varyBy = (header: string, reply: FastifyReply): FastifyReply =>
  reply.header('vary', [reply.getHeader('vary') ?? [], header].flat().join(', '));

function send({ headers }: FastifyRequest, reply: FastifyReply, file: BuiltFile): void {
  const encodings = new Negotiator({ headers }).encodings();
  const [encoding, content] = [...file.encoded].find(([name]) => encodings.includes(name)) ?? [undefined, file.content];
  const etag = `"${file.etag}${encoding ? `-${encoding}` : ''}"`;
  void reply.header('cache-control', file.cacheControl).header('etag', etag);
  if (file.encoded.size > 0) varyBy('accept-encoding', reply);
  if (encoding) void reply.header('content-encoding', encoding);
  // A proxy that encodes an answer weakens its tag.
  const known = headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? [];
  if (known.includes(etag) || known.includes('*')) void reply.status(304).send();
  else void reply.type(file.type).send(content);
}
