import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/timing/clock.js';
import { DomainError } from '../common/errors.js';
import { logRefusal } from '../common/logs/refusals.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { connectionOf, cutOff } from '../sockets/transport/engine-io.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { Incoming } from '../sockets/transport/incoming.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import type { ParleyServer, ParleySocket, SocketData } from '../sockets/events.js';
import { ANSWER_WITHIN_MS, cutOffUnlessAnswered } from '../sockets/transport/probes.js';
import { EVERYBODY, sessionRoom, userRoom } from '../sockets/rooms.js';
import { DEAD_AFTER_MS, heardAt, now } from '../sockets/transport/traffic.js';
import {
  AccessTokens,
  sessionRevoked,
  tokenExpired,
  tokenInvalid,
  tokenMissing,
  tooManySockets,
  Unauthenticated,
} from './access-tokens.js';
import { tokenOfHandshake, withoutBearer } from './given-token.js';
import { Sessions } from './sessions.js';

/** A socket that has sent no token by then is closed. */
const TOKEN_WITHIN_MS = 10_000;
const SWEEP_EVERY_MS = 60_000;
/** Sessions that expire sooner than this get a timer of their own: longer than from one sweep to the next. */
const SOON_MS = 90_000;
/** Messages without a token before the socket is closed. */
const MAX_WITHOUT_TOKEN = 20;
export const MAX_SOCKETS_PER_SESSION = 20;
/** How long answers to a probe hold: longer than one takes. A client that opens sockets all the time does not cause as many probes. */
const PROBE_EVERY_MS = ANSWER_WITHIN_MS + 2_000;

const sessionMismatch = () =>
  new DomainError(
    'forbidden',
    'session_mismatch',
    "This socket speaks for another session. Open a new one for the other session's token.",
  );

/** Binds each socket to the session of the first token that it sends, and closes it when the session ends. */
@Injectable()
export class SocketSessions implements OnApplicationBootstrap, OnApplicationShutdown {
  private server!: ParleyServer;
  private sweeper?: NodeJS.Timeout;
  /** Sockets whose session expires soon, the first to expire at the end. */
  private soon: ParleySocket[] = [];
  private nextEnd?: NodeJS.Timeout | undefined;
  /** By Socket.IO room, sessions that had as many sockets as they may a moment ago. Local to a node, as sockets are. */
  private readonly probes = new Map<string, Promise<void>>();

  constructor(
    private readonly sessions: Sessions,
    private readonly tokens: AccessTokens,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
    private readonly incoming: Incoming,
    private readonly security: SecurityLog,
  ) {}

  /** The gateway calls this once, before the first socket. */
  attach(server: ParleyServer): void {
    this.server = server;
    // The handshake's token is checked here and not when the connection is there: an error there would end the process.
    server.use((socket, next) => {
      this.bindByHandshake(socket).then(
        () => next(),
        (error: unknown) => {
          if (error instanceof DomainError)
            logRefusal(this.security, error, { network: this.incoming.networkOf(socket.conn), socket_id: socket.id });
          this.incoming.charge(socket.conn, 'refusal');
          next(asHandshakeError(error));
        },
      );
    });
  }

  onApplicationBootstrap(): void {
    this.sweeper = setInterval(() => this.closeExpired(), SWEEP_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.sweeper);
    clearTimeout(this.nextEnd);
  }

  /** The connection is there: it has a session already, or some seconds to send a token. */
  connected(socket: ParleySocket): void {
    const { identity } = socket.data;
    if (identity) {
      // The session ended during the handshake, when there was no connection to close yet.
      const reason = this.sessions.recentEnd(identity.sessionId);
      if (reason) {
        // It was never counted as connected, and must not be counted as gone.
        socket.data.identity = undefined;
        return this.close(socket, reason);
      }
      this.presence.connected(identity);
      return;
    }
    socket.data.deadline = setTimeout(() => this.close(socket, tokenMissing()), TOKEN_WITHIN_MS).unref();
  }

  disconnected(socket: ParleySocket): void {
    clearTimeout(socket.data.deadline);
    const { identity } = socket.data;
    if (!identity) return;
    this.presence.disconnected(identity, !!this.sessions.recentEnd(identity.sessionId), heardAt(socket));
  }

  /**
   * Makes sure that the socket has a session before its event is handled: the first token binds it, and events behind that one wait for the
   * check, in order. @returns undefined where it is bound already
   * @throws Unauthenticated, after which the socket is to be closed; `session_mismatch`
   */
  bind(socket: ParleySocket, given: unknown): Promise<void> | undefined {
    if (given != null && typeof given !== 'string') throw tokenInvalid();
    const token = given == null ? undefined : withoutBearer(given);
    const { data } = socket;
    if (data.isBound) {
      this.assertSame(data, token);
      return undefined;
    }
    if (!data.binding) {
      if (token === undefined) throw this.withoutToken(socket);
      data.token = token;
      data.binding = this.check(socket, token).then(() => {
        data.isBound = true;
        data.binding = undefined;
      });
    }
    return this.bound(data, data.binding, token);
  }

  private async bound(data: SocketData, binding: Promise<void>, token: string | undefined): Promise<void> {
    try {
      await binding;
    } catch (error) {
      // The database was away, say: the token may be valid, and the next message may try again.
      if (!(error instanceof Unauthenticated)) data.binding = undefined;
      throw error;
    }
    this.assertSame(data, token);
  }

  private assertSame(data: SocketData, token: string | undefined): void {
    if (token === undefined || token === data.token) return;
    this.tokens.read(token);
    throw sessionMismatch();
  }

  /** Most clients send their token in the handshake; the others have some seconds. */
  private async bindByHandshake(socket: ParleySocket): Promise<void> {
    const token = tokenOfHandshake(socket.handshake);
    if (token != null) await this.bind(socket, token);
  }

  /** Counts messages without a token, after some of which the socket is closed. */
  private withoutToken({ data }: ParleySocket): Unauthenticated {
    data.withoutToken = (data.withoutToken ?? 0) + 1;
    return data.withoutToken > MAX_WITHOUT_TOKEN ? tokenInvalid() : tokenMissing();
  }

  close(socket: ParleySocket, reason: DomainError): void {
    this.publisher.exception(socket, reason);
    socket.disconnect(true);
  }

  private async check(socket: ParleySocket, token: string): Promise<void> {
    const { sessionId } = this.tokens.read(token);
    const room = sessionRoom(sessionId);
    // A socket that tries again, since the database was away, is in the room already.
    if (this.isFull(room) && !socket.rooms.has(room)) {
      await this.makePlace(room);
      // Joined here and not before: of several sockets that waited, each is counted before the next one looks.
      if (this.isFull(room)) throw tooManySockets(MAX_SOCKETS_PER_SESSION);
      // A socket that has closed meanwhile must not join the room.
      if (socket.conn.readyState !== 'open' || (socket.data.deadline && !socket.connected)) throw sessionRevoked();
    }
    // First the session's room, then the session's row: a session that ends in between closes this socket, too.
    await socket.join(room);
    const { userId, expiresAt } = await this.sessions.authenticate(token);
    // A socket that has closed meanwhile would count as connected for ever.
    const { deadline } = socket.data;
    if (deadline && !socket.connected) throw sessionRevoked();
    socket.data.identity = { userId, sessionId };
    // To the second, as in its token.
    socket.data.expiresAt = Math.floor(expiresAt.getTime() / 1_000) * 1_000;
    if (socket.data.expiresAt < this.clock.now().getTime() + SOON_MS) this.awaitEnds([...this.soon, socket]);
    if (deadline) {
      clearTimeout(deadline);
      socket.data.deadline = undefined;
      this.presence.connected(socket.data.identity);
    }
    await socket.join([userRoom(userId), EVERYBODY]);
    await this.events.publishAndWait('socketBound', { userId, socket });
  }

  private isFull(room: string): boolean {
    return (this.server.sockets.adapter.rooms.get(room)?.size ?? 0) >= MAX_SOCKETS_PER_SESSION;
  }

  /**
   * Closes dead sockets of a session: a phone that changes networks leaves some behind. Those that have been silent for longer than a live
   * one can be are closed at once; where there are none, all are pinged, and have some seconds to answer.
   */
  private async makePlace(room: string): Promise<void> {
    const heardBefore = now() - DEAD_AFTER_MS;
    for (const other of this.socketsIn(room)) if (heardAt(other) < heardBefore) cutOff(connectionOf(other));
    if (this.isFull(room)) await this.probe(room);
  }

  /** Probes once for all sockets that arrive at the same time; the answers hold for some seconds. */
  private probe(room: string): Promise<void> {
    const running = this.probes.get(room);
    if (running) return running;
    const probe = cutOffUnlessAnswered(this.socketsIn(room));
    this.probes.set(room, probe);
    setTimeout(() => this.probes.delete(room), PROBE_EVERY_MS).unref();
    return probe;
  }

  private socketsIn(room: string): ParleySocket[] {
    const ids = [...(this.server.sockets.adapter.rooms.get(room) ?? [])];
    // Without sockets in their handshake.
    return ids.flatMap((id) => this.server.sockets.sockets.get(id) ?? []);
  }

  /** Looks at all sockets once a minute, and keeps one timer for the next session to expire, instead of a timer for each. */
  private closeExpired(): void {
    const time = this.clock.now().getTime();
    const soon: ParleySocket[] = [];
    for (const socket of this.server.sockets.sockets.values()) {
      const endsIn = (socket.data.expiresAt ?? Infinity) - time;
      if (endsIn <= 0) this.close(socket, tokenExpired());
      else if (endsIn < SOON_MS) soon.push(socket);
    }
    this.awaitEnds(soon);
  }

  private awaitEnds(soon: ParleySocket[]): void {
    this.soon = soon.sort((a, b) => b.data.expiresAt! - a.data.expiresAt!);
    clearTimeout(this.nextEnd);
    const time = this.clock.now().getTime();
    while (soon.length > 0 && soon.at(-1)!.data.expiresAt! <= time) this.close(soon.pop()!, tokenExpired());
    if (soon.length === 0) return;
    this.nextEnd = setTimeout(() => this.awaitEnds(this.soon), soon.at(-1)!.data.expiresAt! - time).unref();
  }
}

/** What a client reads as `connect_error`: `data` is the error's body. */
function asHandshakeError(thrown: unknown): Error {
  const known = thrown instanceof DomainError;
  const error: Error & { data?: unknown } = new Error(
    known ? thrown.message : 'The server cannot check the token now. Try again.',
  );
  error.data = known ? thrown.toBody() : { code: 'unavailable', message: error.message };
  return error;
}
