import { type ArgumentsHost, Catch, type ExceptionFilter, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config/config.js';
import { CalmLogger } from '../logs/calm-logger.js';
import { asDomainError, type DomainError, httpErrorBody, internalError, NotFound } from '../errors.js';
import { logLine } from '../logs/log-line.js';

const logger = new CalmLogger('HTTP');

const refusals = new WeakMap<FastifyRequest, DomainError>();

/** For `refusalOf`, also where the refusal is told on a page. */
export const noteRefusal = ({ request }: FastifyReply, error: DomainError): void => void refusals.set(request, error);

/** What a request was refused for, if it was. */
export const refusalOf = (request: FastifyRequest): DomainError | undefined => refusals.get(request);

/** Answers with an error as the protocol writes it. What is our own fault is logged, and told to nobody. */
export function sendError(reply: FastifyReply, thrown: unknown): void {
  const error = asDomainError(thrown) ?? internalError();
  noteRefusal(reply, error);
  if (error.kind === 'internal') logger.error(logLine(thrown));
  const { retry_after: retryAfter } = error.details;
  if (retryAfter !== undefined) void reply.header('Retry-After', String(retryAfter));
  void reply.status(error.status).send(httpErrorBody(error));
}

@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly unknownRoute: NotFound;

  constructor({ apiDocs }: Pick<Config, 'apiDocs'>) {
    this.unknownRoute = new NotFound('route', apiDocs ? ' See /http/docs.' : '');
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    // Nest's own: those of services are `NotFound`.
    const error = thrown instanceof NotFoundException ? this.unknownRoute : thrown;
    sendError(host.switchToHttp().getResponse<FastifyReply>(), error);
  }
}
