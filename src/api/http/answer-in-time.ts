import type { FastifyInstance } from 'fastify';
import { Unavailable } from '../../common/errors.js';
import { sendError } from '../../common/http/http-error.filter.js';

/** Each request is answered by then, from when it is all here; statements have shorter deadlines, but several may follow each other. */
const ANSWER_WITHIN_MS = 9_000;

/** Whoever waits for a database that says nothing, or for somebody who waits for it, gets a clear answer. What runs goes on. */
export function answerInTime(server: FastifyInstance): void {
  server.addHook('preHandler', (request, reply, done) => {
    const timer = setTimeout(() => {
      if (reply.sent) return;
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      sendError(
        reply,
        new Unavailable(
          isRead
            ? undefined
            : 'The server could not answer in time. Whether it was done is unknown; look before you try again.',
        ),
      );
    }, ANSWER_WITHIN_MS).unref();
    reply.raw.once('close', () => clearTimeout(timer));
    done();
  });
}
