import type { FastifyInstance } from 'fastify';
import { Unavailable } from '../../common/errors.js';
import { sendError } from '../../common/http/http-error.filter.js';

/** Deadline of a request, from when it is complete. Statements have shorter deadlines, but several may follow each other. */
const ANSWER_WITHIN_MS = 9_000;

/** Answers a request as `unavailable` that waits too long for the database, or for another one that does. Its work goes on. */
export function answerInTime(server: FastifyInstance): void {
  server.addHook('preHandler', (request, reply, done) => {
    const timer = setTimeout(() => {
      // Of what is sent piece by piece, the beginning is on its way.
      if (reply.sent || reply.raw.headersSent) return;
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
