import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { logLine } from '../../common/logs/log-line.js';
import { Metrics } from '../../common/metrics.js';
import { CONFIG, type Config } from '../../config/config.js';
import { TokenGuard } from '../../identity/token.guard.js';
import type { ParleySocket } from '../../sockets/events.js';
import { connectionOf } from '../../sockets/transport/engine-io.js';
import { Incoming } from '../../sockets/transport/incoming.js';
import { countUnderWay } from '../../sockets/transport/socket-drain.js';
import { eventRoutesOf, type EventRoute } from './on-event.js';
import { type Acknowledge, SocketErrors } from './socket-errors.js';

/** One for all sockets, which are many: Socket.IO calls it with the socket as `this`. */
type Listener = (this: ParleySocket, event: string, ...given: unknown[]) => void;

/**
 * Takes each event of each socket to the gateway: the guard, the payload's rules, the method, the acknowledgement. Nothing is awaited on this
 * way but the check of the socket's first token, which all its events wait for together, and the method.
 */
@Injectable()
export class SocketEvents {
  private readonly logger = new CalmLogger('Socket');
  private routes: ReadonlyMap<string, EventRoute> = new Map();
  /** Counts an event that was accepted, and began then. */
  private readonly counts = new Map<string, (began: number) => void>();
  private readonly listener: Listener;

  constructor(
    private readonly guard: TokenGuard,
    private readonly errors: SocketErrors,
    private readonly incoming: Incoming,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const received = this.received.bind(this);
    this.listener = function (event, ...given) {
      received(this, event, given);
    };
  }

  /** The gateway calls this once, before the first socket. */
  attach(gateway: object): void {
    this.routes = eventRoutesOf(gateway);
    if (this.metrics.isOn) for (const event of this.routes.keys()) this.counts.set(event, this.countedAs(event));
  }

  /** The gateway calls this with each socket that has connected. */
  listen(socket: ParleySocket): void {
    socket.onAny(this.listener);
  }

  private received(socket: ParleySocket, event: string, given: unknown[]): void {
    // Packets behind its last one, in what had been read already.
    if (!socket.connected) return;
    const acknowledge = typeof given.at(-1) === 'function' ? (given.pop() as Acknowledge) : undefined;
    const route = this.routes.get(event);
    if (route) this.answer(socket, event, route, given[0], acknowledge);
    else if (acknowledge) this.answerUnknown(socket, acknowledge);
  }

  private answer(
    socket: ParleySocket,
    event: string,
    route: EventRoute,
    payload: unknown,
    acknowledge?: Acknowledge,
  ): void {
    const connection = connectionOf(socket);
    const count = this.counts.get(event);
    const began = count && performance.now();
    countUnderWay(connection, 1);
    this.handle(socket, event, route, payload)
      .then(
        (answer) => {
          countUnderWay(connection, -1);
          acknowledge?.(answer);
          if (began !== undefined) count!(began);
        },
        (error: unknown) => {
          countUnderWay(connection, -1);
          this.errors.answer(error, socket, event, payload, acknowledge);
        },
      )
      .catch((error: unknown) => this.logger.error(logLine(error), socket.id));
  }

  private handle(socket: ParleySocket, event: string, route: EventRoute, payload: unknown): Promise<object> {
    const run = (): Promise<object> => route.handle(socket.data.identity!, route.parse(payload));
    try {
      const admission = this.guard.admit(socket, event, payload);
      return admission ? admission.then(run) : run();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private countedAs(event: string): (began: number) => void {
    const { events, ackSeconds } = this.metrics;
    const accepted = events.labels({ event, result: 'ok' });
    return (began) => {
      accepted.inc();
      if (event === 'message') ackSeconds.observe((performance.now() - began) / 1_000);
    };
  }

  /** Answers unknown events: otherwise their sender would wait for an acknowledgement for ever. */
  private answerUnknown(socket: ParleySocket, acknowledge: Acknowledge): void {
    const hint = this.config.apiDocs ? ' See /http/docs/events.' : '';
    const error = new DomainError('invalid', 'unknown_event', `There is no such event.${hint}`);
    acknowledge({ ok: false, error: error.toBody() });
    this.incoming.charge(socket.conn, 'refusal');
  }
}
