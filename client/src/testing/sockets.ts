import type { Timers } from './pacing.js';
import type { Identity } from './house.js';

/** How often each client is asked whether it is there. */
const PING_EVERY_MS = 25_000;

/** The client's end of a connection. */
export interface Peer {
  /** A packet leaves for it. */
  packet(name: string, payload: unknown): void;
  /** The server closes the connection, behind all packets. */
  hangUp(): void;
  /** The connection breaks: what is under way is lost. */
  cut(): void;
}

/** A socket, as the server sees it. */
export class Connection implements Identity {
  readonly user_id: number;
  readonly session_id: number;
  private readonly openedAt: number;
  private sentAt: number;

  constructor(
    { user_id, session_id }: Identity,
    private readonly timers: Timers,
    private readonly peer: Peer,
  ) {
    this.user_id = user_id;
    this.session_id = session_id;
    this.openedAt = this.sentAt = timers.now();
  }

  /** Something came from the client. */
  hears(): void {
    this.sentAt = this.timers.now();
  }

  /** When the client was last heard: what it was told later may not have reached it. */
  heardAt(): number {
    const pings = Math.floor((this.timers.now() - this.openedAt) / PING_EVERY_MS);
    return Math.max(this.sentAt, this.openedAt + pings * PING_EVERY_MS);
  }

  send(name: string, payload: unknown): void {
    this.peer.packet(name, payload);
  }

  hangUp(): void {
    this.peer.hangUp();
  }

  cut(): void {
    this.peer.cut();
  }
}

/** All sockets that are open. */
export class Sockets {
  private readonly open = new Set<Connection>();

  add(connection: Connection): void {
    this.open.add(connection);
  }

  /** @returns whether it was open */
  remove(connection: Connection): boolean {
    return this.open.delete(connection);
  }

  has(connection: Connection): boolean {
    return this.open.has(connection);
  }

  all(): Connection[] {
    return [...this.open];
  }

  of(userId: number): Connection[] {
    return this.all().filter(({ user_id }) => user_id === userId);
  }

  ofSession(sessionId: number): Connection[] {
    return this.all().filter(({ session_id }) => session_id === sessionId);
  }

  /** To each socket of these people. */
  tell(userIds: Iterable<number>, name: string, payload: unknown): void {
    const those = new Set(userIds);
    for (const connection of this.open) if (those.has(connection.user_id)) connection.send(name, payload);
  }

  /** To each socket, but for those of some. */
  tellAll(except: Iterable<number>, name: string, payload: unknown): void {
    const those = new Set(except);
    for (const connection of this.open) if (!those.has(connection.user_id)) connection.send(name, payload);
  }
}
