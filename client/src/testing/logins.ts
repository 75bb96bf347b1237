import type { House, Identity } from './house.js';
import { notFound, type Refusal, sessionRevoked, suspended, tokenExpired, tokenInvalid } from './refusal.js';
import type { Connection } from './sockets.js';
import type { Login } from './state.js';
import { iso } from './texts.js';

const LOGIN_LASTS_MS = 30 * 24 * 60 * 60 * 1_000;
const MOST_LOGINS = 50;
/** A list in one answer counts as so many reads. */
export const LIST_COST = 10;

/** Sessions: who a token speaks for, and how much they may do. */
export class Logins {
  constructor(private readonly house: House) {}

  /** Opens a session; one more than there may be ends the oldest. @returns its token */
  start(userId: number, device: string): string {
    const { settings, state } = this.house;
    const surplus = this.living(userId).slice(MOST_LOGINS - 1);
    for (const login of surplus) this.end(login);
    const id = state.nextId('login');
    const token = `fake-${id}-${Math.floor(settings.random() * 2 ** 32).toString(36)}`;
    const created_at = this.house.now();
    const expires_at = created_at + LOGIN_LASTS_MS;
    const login = {
      id,
      user_id: userId,
      token,
      device: device.slice(0, 200),
      created_at,
      expires_at,
      has_ended: false,
    };
    state.logins.set(id, login);
    return token;
  }

  /** Who a token speaks for. @throws Refusal */
  authenticate(token: string): Identity & Pick<Login, 'expires_at'> {
    const login = this.known(token);
    if (login.has_ended) throw sessionRevoked();
    if (login.expires_at <= this.house.now()) throw tokenExpired();
    return { user_id: login.user_id, session_id: login.id, expires_at: login.expires_at };
  }

  /** @throws Refusal where it is no token of this server, or one that has expired */
  known(token: string): Login {
    const login = [...this.house.state.logins.values()].find((one) => one.token === token);
    if (!login) throw tokenInvalid();
    if (login.expires_at <= this.house.now()) throw tokenExpired();
    return login;
  }

  /** The caller's that live, newest first. */
  list(me: Identity) {
    return this.living(me.user_id).map(({ id, device, created_at, expires_at }) => ({
      id,
      device,
      created_at: iso(created_at),
      expires_at: iso(expires_at),
      current: id === me.session_id,
    }));
  }

  logout({ session_id }: Identity): void {
    // Its own client asks for it: a goodbye is heard.
    for (const connection of this.house.sockets.ofSession(session_id)) connection.hears();
    this.end(this.house.state.logins.get(session_id)!);
  }

  /** @throws Refusal for somebody else's, and for one that has ended */
  endOne(me: Identity, id: number): void {
    if (id === me.session_id) return this.logout(me);
    const login = this.living(me.user_id).find((one) => one.id === id);
    if (!login) throw notFound('session');
    this.end(login);
  }

  /** All but the one that asks; with `session_id` 0, all. */
  endOthers(me: Identity): void {
    for (const login of this.living(me.user_id)) if (login.id !== me.session_id) this.end(login);
  }

  /** As an admin does: whoever is suspended is out at once, and cannot come in. @throws Refusal */
  suspend(userId: number, isSuspended: boolean): void {
    const { state } = this.house;
    const person = state.assertPerson(userId);
    person.is_suspended = isSuspended;
    if (!isSuspended) return;
    state.endLinks(person, 'export');
    for (const login of this.living(userId)) this.end(login, suspended());
    this.house.bot.forget(userId);
    state.botChat(userId)?.waiting.splice(0);
  }

  /** The server closes a socket, and says why. */
  close(connection: Connection, reason: Refusal, forGood = false): void {
    connection.send('exception', reason.body());
    this.hangUp(connection, forGood);
  }

  /** The server closes a socket that was told why. */
  hangUp(connection: Connection, forGood = false): void {
    if (!this.house.sockets.remove(connection)) return;
    connection.hangUp();
    this.house.presence.disconnected(connection, forGood, connection.heardAt());
  }

  /** @throws Refusal */
  countWrite(me: Identity): void {
    this.count(me, 'write', 'Too many requests.');
  }

  /** @throws Refusal */
  countRead(me: Identity, cost: number): void {
    this.count(me, 'read', 'Too many requests.', cost);
  }

  /** @throws Refusal */
  countEvent(me: Identity, event: string): void {
    if (event === 'typing') this.count(me, 'typing', 'Too much typing.');
    else if (event === 'read' || event === 'react') this.countWrite(me);
    else if (me.session_id !== 0) {
      const key = String(me.user_id);
      this.house.rates.take('Too many messages.', [
        { name: 'message', key },
        { name: 'messageOfDay', key },
      ]);
    }
  }

  private count(me: Identity, name: 'write' | 'read' | 'typing', sentence: string, points = 1): void {
    if (me.session_id !== 0) this.house.rates.take(sentence, [{ name, key: String(me.user_id) }], points);
  }

  private living(userId: number): Login[] {
    return [...this.house.state.logins.values()]
      .filter((one) => one.user_id === userId && !one.has_ended && one.expires_at > this.house.now())
      .reverse();
  }

  private end(login: Login, reason = sessionRevoked()): void {
    login.has_ended = true;
    for (const connection of this.house.sockets.ofSession(login.id)) this.close(connection, reason, true);
    this.house.presence.endGrace({ user_id: login.user_id, session_id: login.id });
  }
}
