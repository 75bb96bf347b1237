import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import { Unauthenticated } from '../../identity/access-tokens.js';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { asDomainError, internalError } from '../../common/errors.js';
import { logLine } from '../../common/logs/log-line.js';
import { tellRefusal } from '../../common/logs/refusals.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import type { Exception, ParleySocket, Refused } from '../../sockets/events.js';
import { Incoming } from '../../sockets/transport/incoming.js';
import { Publisher } from '../../sockets/publisher.js';

/** Tells the sender what was refused: as event `exception`, and in the acknowledgement where one was asked for. */
@Catch()
@Injectable()
export class SocketErrorFilter implements ExceptionFilter {
  private readonly logger = new CalmLogger('Socket');

  constructor(
    private readonly publisher: Publisher,
    private readonly incoming: Incoming,
    private readonly security: SecurityLog,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const [socket, payload, acknowledge] =
      host.getArgs<[ParleySocket, unknown, ((answer: Refused) => void) | undefined]>();
    const error = asDomainError(thrown) ?? internalError();
    if (error.kind === 'internal') this.logger.error(logLine(thrown));
    this.publisher.exception(socket, error, requestOf(host.switchToWs().getPattern(), payload));
    const { identity } = socket.data;
    const who = identity ? { user_id: identity.userId } : {};
    tellRefusal(this.security, error, { ...who, network: this.incoming.networkOf(socket.conn) });
    acknowledge?.({ ok: false, error: error.toBody() });
    if (error instanceof Unauthenticated && error.closesSocket) socket.disconnect(true);
    else this.incoming.charge(socket.conn, 'refusal');
  }
}

/** Enough for the client to know which of its messages it was, and nothing secret. */
function requestOf(event: string, payload: unknown): Exception['request'] {
  const { chat_type, client_id } = (payload ?? {}) as { chat_type?: unknown; client_id?: unknown };
  return {
    event,
    ...(typeof chat_type === 'string' && { chat_type: chat_type.slice(0, 16) }),
    ...(typeof client_id === 'string' && { client_id: client_id.slice(0, 64) }),
  };
}
