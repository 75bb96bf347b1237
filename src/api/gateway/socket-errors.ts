import { Injectable } from '@nestjs/common';
import { Unauthenticated } from '../../identity/access-tokens.js';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { asDomainError, type DomainError, internalError } from '../../common/errors.js';
import { Metrics } from '../../common/metrics.js';
import { logLine } from '../../common/logs/log-line.js';
import { logRefusal } from '../../common/logs/refusals.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import type { Exception, ParleySocket, Refused } from '../../sockets/events.js';
import { Incoming } from '../../sockets/transport/incoming.js';
import { Publisher } from '../../sockets/publisher.js';

const CHAT_TYPES: ReadonlySet<unknown> = new Set(['room', 'group', 'bot']);

export type Acknowledge = (answer: object) => void;

/** Answers errors: with the event `exception`, and in the acknowledgement where one was asked for. */
@Injectable()
export class SocketErrors {
  private readonly logger = new CalmLogger('Socket');

  constructor(
    private readonly publisher: Publisher,
    private readonly incoming: Incoming,
    private readonly security: SecurityLog,
    private readonly metrics: Metrics,
  ) {}

  answer(thrown: unknown, socket: ParleySocket, event: string, payload: unknown, acknowledge?: Acknowledge): void {
    const error = asDomainError(thrown) ?? internalError();
    if (error.kind === 'internal') this.logger.error(`The event ${event} failed: ${logLine(thrown)}`, socket.id);
    this.publisher.exception(socket, error, requestOf(event, payload));
    const { identity } = socket.data;
    const who = identity ? { user_id: identity.userId } : {};
    logRefusal(this.security, error, { ...who, network: this.incoming.networkOf(socket.conn), socket_id: socket.id });
    this.count(event, payload, error);
    acknowledge?.({ ok: false, error: error.toBody() } satisfies Refused);
    if (error instanceof Unauthenticated && error.closesSocket) socket.disconnect(true);
    else this.incoming.charge(socket.conn, 'refusal');
  }

  private count(event: string, payload: unknown, { status, code }: DomainError): void {
    this.metrics.events.inc({ event, result: code });
    const chatType = (payload as { chat_type?: unknown } | null)?.chat_type;
    // What else a client may write there becomes no label.
    if (event !== 'message' || !CHAT_TYPES.has(chatType)) return;
    this.metrics.messages.inc({ chat_type: chatType as string, result: status >= 500 ? 'failed' : 'refused' });
  }
}

/** Enough for the client to know which of its messages it was, without secrets. */
function requestOf(event: string, payload: unknown): Exception['request'] {
  const { chat_type, client_id } = (payload ?? {}) as { chat_type?: unknown; client_id?: unknown };
  return {
    event,
    ...(typeof chat_type === 'string' && { chat_type: chat_type.slice(0, 16) }),
    ...(typeof client_id === 'string' && { client_id: client_id.slice(0, 64) }),
  };
}
