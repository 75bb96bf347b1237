import type { House, Identity } from './house.js';
import { Refusal, tokenExpired } from './refusal.js';
import { Connection, type Peer } from './sockets.js';

const MOST_SOCKETS = 20;
/** How long the sockets of a full session have to say that they are there. */
const PROBE_MS = 3_000;
/** Their answers hold for so long. */
const PROBE_EVERY_MS = 5_000;

/** How sockets come: with a token, which says whose they are. */
export class Handshakes {
  /** By session: when its sockets were last asked. */
  private readonly probes = new Map<number, number>();

  constructor(private readonly house: House) {}

  /** @param done called once: at once, or later where the session is full */
  open(token: string, peer: Peer, done: (opened: Connection | Refusal) => void): void {
    const tryNow = (mayWait: boolean): void => {
      let opened: Connection | Refusal;
      try {
        this.house.assertWanted('connect');
        const identity = this.house.logins.authenticate(token);
        if (this.isFull(identity)) {
          if (mayWait && this.probe(identity)) return void this.house.timers.after(PROBE_MS, () => tryNow(false));
          throw new Refusal('too_many_sockets', `A session may have ${MOST_SOCKETS} sockets open. Close one first.`);
        }
        opened = this.bind(new Connection(identity, this.house.timers, peer), identity.expires_at);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        opened = error;
      }
      done(opened);
    };
    tryNow(true);
  }

  /** One that speaks for somebody whom the test moves by hand: it hears nothing, and its session never ends. */
  openSilent(identity: Identity): Connection {
    const silent = { packet: () => {}, hangUp: () => {}, cut: () => {} };
    return this.bind(new Connection(identity, this.house.timers, silent), Infinity);
  }

  /** The client's end is gone; with a goodbye, all that it was told is read. */
  disconnected(connection: Connection, hasSaidGoodbye: boolean): void {
    if (!this.house.sockets.remove(connection)) return;
    if (hasSaidGoodbye) connection.hears();
    this.house.presence.disconnected(connection, false, connection.heardAt());
  }

  private bind(connection: Connection, expiresAt: number): Connection {
    const { attendance, bot, logins, presence, sockets, timers } = this.house;
    sockets.add(connection);
    presence.connected(connection);
    attendance.connected(connection);
    bot.connected(connection);
    timers.after(expiresAt - timers.now(), () => logins.close(connection, tokenExpired()));
    return connection;
  }

  private isFull({ session_id }: Identity): boolean {
    return this.house.sockets.ofSession(session_id).length >= MOST_SOCKETS;
  }

  /** @returns false where they were asked a moment ago, and all were there */
  private probe({ session_id }: Identity): boolean {
    const before = this.probes.get(session_id) ?? -Infinity;
    const now = this.house.now();
    // Those who come while they are asked wait for the same answers.
    if (now - before >= PROBE_MS && now - before < PROBE_EVERY_MS) return false;
    if (now - before >= PROBE_EVERY_MS) this.probes.set(session_id, now);
    return true;
  }
}
