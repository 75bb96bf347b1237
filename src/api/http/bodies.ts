import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Invalid } from '../../common/errors.js';
import { assertUtf8Form, refusalOfEncoding, textOfBody } from '../../common/http/utf8.js';
import { assertWithinComplexityLimits } from '../../common/http/validation.js';

/** Largest body of a request, in bytes. */
export const MAX_REQUEST_BYTES = 64 * 1024;

/** Reads JSON, and forms on the routes of our own pages; an empty body counts as none, also on GET and DELETE. */
export function readBodies(server: FastifyInstance, forms: ReadonlyMap<string, readonly string[]>): void {
  server.addHttpMethod('GET', { hasBody: true, overrideExisting: true });
  server.removeAllContentTypeParsers();
  server.addHook('preParsing', (request, _reply, payload, done) => {
    const { headers } = request;
    // Some clients send a content type without a body.
    const hasBody = Number(headers['content-length']) > 0 || 'transfer-encoding' in headers;
    done((hasBody && refusalOfEncoding(headers)) || null, payload);
  });
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
    body.length === 0 ? done(null, undefined) : done(new UnsupportedMediaTypeException(), undefined),
  );
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) =>
    done(...parsed(() => parseJson(textOfBody(body)))),
  );
  // The encoding of forms in browsers. On other routes it is refused, like everything that is not JSON.
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      const ours = forms.get(request.routeOptions.url ?? '');
      if (!ours) return done(new UnsupportedMediaTypeException(), undefined);
      const [error, form] = parsed(() => parseForm(textOfBody(body)));
      const isOurs = Object.keys(form ?? {}).every((name) => ours.includes(name));
      done(error ?? (isOurs ? null : new UnsupportedMediaTypeException()), form);
    },
  );
}

function parsed(parse: () => unknown): [Error | null, unknown] {
  try {
    const body = parse();
    assertWithinComplexityLimits(body);
    return [null, body];
  } catch (error) {
    return [error as Error, undefined];
  }
}

function parseJson(text: string): unknown {
  // Some editors begin a file with a byte order mark.
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (json.trim() === '') return undefined;
  try {
    return JSON.parse(json);
  } catch {
    throw new Invalid('The body is not valid JSON.');
  }
}

function parseForm(text: string): unknown {
  assertUtf8Form(text);
  return Object.fromEntries(new URLSearchParams(text));
}
