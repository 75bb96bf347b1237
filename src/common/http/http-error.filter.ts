import { type ArgumentsHost, Catch, type ExceptionFilter, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config/config.js';
import { CalmLogger } from '../logs/calm-logger.js';
import { asDomainError, type DomainError, httpErrorBody, internalError, NotFound } from '../errors.js';
import { logLine } from '../logs/log-line.js';

const logger = new CalmLogger('HTTP');

const refusals = new WeakMap<FastifyRequest, DomainError>();

/** What a request was refused for, if it was. */
export const refusalOf = (request: FastifyRequest): DomainError | undefined => refusals.get(request);

/**
 * What a request is refused for, as callers may see it; for `refusalOf` too. Unexpected errors are logged, and seen without details. Sets
 * Retry-After; the caller sends status and body.
 */
export function noteError(reply: FastifyReply, thrown: unknown): DomainError {
  const error = asDomainError(thrown) ?? internalError();
  refusals.set(reply.request, error);
  if (error.kind === 'internal') logger.error(`${routeOf(reply)} failed: ${logLine(thrown)}`, reply.request.id);
  const { retry_after: retryAfter } = error.details;
  if (retryAfter !== undefined) void reply.header('Retry-After', String(retryAfter));
  return error;
}

/** Answers with an error as the protocol writes it. */
export function sendError(reply: FastifyReply, thrown: unknown): void {
  const error = noteError(reply, thrown);
  void reply.status(error.status).send(httpErrorBody(error));
}

/** The route as it is declared: the path itself may contain a token. */
const routeOf = ({ request }: FastifyReply): string => `${request.method} ${request.routeOptions.url ?? '(no route)'}`;

@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly unknownRoute: NotFound;

  constructor({ apiDocs }: Pick<Config, 'apiDocs'>) {
    this.unknownRoute = new NotFound('route', apiDocs ? ' See /http/docs.' : '');
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    // Thrown by Nest where there is no such route: services throw `NotFound`.
    const error = thrown instanceof NotFoundException ? this.unknownRoute : thrown;
    sendError(host.switchToHttp().getResponse<FastifyReply>(), error);
  }
}
