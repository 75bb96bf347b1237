import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/timing/clock.js';
import { DomainError } from '../common/errors.js';
import { tellRefusal } from '../common/logs/refusals.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { cutOff } from '../sockets/transport/engine-io.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { Incoming } from '../sockets/transport/incoming.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import type { ParleyServer, ParleySocket } from '../sockets/events.js';
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

/** A socket that has shown no token by then is closed. */
const TOKEN_WITHIN_MS = 10_000;
const SWEEP_EVERY_MS = 60_000;
/** Sessions that end sooner than this are waited for one by one: longer than from one sweep to the next. */
const SOON_MS = 90_000;
/** Messages without a token before the socket is closed. */
const MAX_WITHOUT_TOKEN = 20;
export const MAX_SOCKETS_PER_SESSION = 20;
/** Longer than a probe takes. Whoever opens sockets all the time does not have the others asked as often. */
const PROBE_EVERY_MS = ANSWER_WITHIN_MS + 2_000;

const sessionMismatch = () =>
  new DomainError(
    'forbidden',
    'session_mismatch',
    "This socket speaks for another session. Open a new one for the other session's token.",
  );

/** Binds each socket to the session of the first token it shows, and keeps it no longer than the session lives. */
@Injectable()
export class SocketSessions implements OnApplicationBootstrap, OnApplicationShutdown {
  private server!: ParleyServer;
  private sweeper?: NodeJS.Timeout;
  /** Sockets whose session ends before long, the first to end last. */
  private soon: ParleySocket[] = [];
  private nextEnd?: NodeJS.Timeout | undefined;
  /** Local, as sockets are: sessions that had all theirs a moment ago, by room. */
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
            tellRefusal(this.security, error, { network: this.incoming.networkOf(socket.conn) });
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

  /** The connection is there: it has a session already, or some seconds to show a token. */
  connected(socket: ParleySocket): void {
    const { identity } = socket.data;
    if (identity) {
      // Ended in the middle of the handshake, when there was no connection to close yet.
      if (this.sessions.hasRecentlyEnded(identity.sessionId)) {
        // It was never counted as connected, and must not be counted as gone.
        socket.data.identity = undefined;
        return this.close(socket, sessionRevoked());
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
    this.presence.disconnected(identity, this.sessions.hasRecentlyEnded(identity.sessionId), heardAt(socket));
  }

  /**
   * Makes sure that the socket has a session before its message goes on: the first token binds it, messages behind that one
   * wait for the check, in order. @throws Unauthenticated, after which the socket is to be closed; `session_mismatch`
   */
  async bind(socket: ParleySocket, given: unknown): Promise<void> {
    if (given != null && typeof given !== 'string') throw tokenInvalid();
    const token = given == null ? undefined : withoutBearer(given);
    const { data } = socket;
    if (!data.binding) {
      if (token === undefined) throw this.withoutToken(socket);
      data.token = token;
      data.binding = this.check(socket, token);
    }
    try {
      await data.binding;
    } catch (error) {
      // The database was away, say: nothing is wrong with the token, and the next message may try again.
      if (!(error instanceof Unauthenticated)) data.binding = undefined;
      throw error;
    }
    if (token !== undefined && token !== data.token) {
      this.tokens.read(token);
      throw sessionMismatch();
    }
  }

  /** Most sockets bring their token here; the others have some seconds. */
  private async bindByHandshake(socket: ParleySocket): Promise<void> {
    const token = tokenOfHandshake(socket.handshake);
    if (token != null) await this.bind(socket, token);
  }

  /** A client that goes on without a token is not getting anywhere. */
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
    // One that tries again, since the database was away, is among the others already.
    if (this.isFull(room) && !socket.rooms.has(room)) {
      await this.makePlace(room);
      // Here and not before: of several that waited, each takes its place before the next one looks.
      if (this.isFull(room)) throw tooManySockets(MAX_SOCKETS_PER_SESSION);
      // What has left meanwhile must not enter the room any more.
      if (socket.conn.readyState !== 'open' || (socket.data.deadline && !socket.connected)) throw sessionRevoked();
    }
    // First into the session's room, then read the session: one that ends in between closes this socket too.
    await socket.join(room);
    const { userId, expiresAt } = await this.sessions.authenticate(token);
    // One that has closed meanwhile would be counted as connected for ever.
    const { deadline } = socket.data;
    if (deadline && !socket.connected) throw sessionRevoked();
    socket.data.identity = { userId, sessionId };
    // To the second, as its token says it.
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
   * A phone that changed networks leaves sockets behind, which nobody at the other end knows of any more. Those that have been silent
   * for longer than one that lives can be go at once; where there are none, all have some seconds to answer.
   */
  private async makePlace(room: string): Promise<void> {
    const heardBefore = now() - DEAD_AFTER_MS;
    for (const other of this.socketsIn(room)) if (heardAt(other) < heardBefore) cutOff(other.conn);
    if (this.isFull(room)) await this.probe(room);
  }

  /** Once for all that come at the same time; the answers hold for some seconds. */
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
    // Those in their handshake are not among them.
    return ids.flatMap((id) => this.server.sockets.sockets.get(id) ?? []);
  }

  /** One look at all sockets a minute, and one timer for the next end of a session, instead of a timer for each. */
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
