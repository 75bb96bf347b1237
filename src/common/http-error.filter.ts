import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { asDomainError, httpErrorBody, internalError } from './errors.js';
import { logLine } from './log-line.js';

const logger = new Logger('HTTP');

/** Answers with an error as the protocol writes it. What is our own fault is logged, and told to nobody. */
export function sendError(reply: FastifyReply, thrown: unknown): void {
  const error = asDomainError(thrown) ?? internalError();
  if (error.kind === 'internal') logger.error(logLine(thrown));
  const { retry_after: retryAfter } = error.details;
  if (retryAfter !== undefined) void reply.header('Retry-After', String(retryAfter));
  void reply.status(error.status).send(httpErrorBody(error));
}

@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    sendError(host.switchToHttp().getResponse<FastifyReply>(), thrown);
  }
}
