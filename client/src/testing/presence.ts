import type { House, Identity } from './house.js';

/** A person whose last socket closed is offline after this long. */
export const OFFLINE_AFTER_MS = 5_000;

/** Who has a socket open. */
export class Presence {
  /** Open sockets by person. Whoever is in here is online. */
  private readonly sockets = new Map<number, number>();
  /** By person, the sessions that lost a socket a moment ago, and may come back; each with what ends its time. */
  private readonly awaited = new Map<number, Map<number, () => void>>();
  /** Of those who have closed a socket and have another one open: when they were last heard on one that they closed. */
  private readonly heard = new Map<number, number>();

  constructor(private readonly house: House) {}

  /** Has a socket open right now. */
  isConnected(userId: number): boolean {
    return (this.sockets.get(userId) ?? 0) > 0;
  }

  /** Has a socket open, or had one just now. */
  isOnline(userId: number): boolean {
    return this.sockets.has(userId);
  }

  /** The same as a viewer sees it: never of whoever has blocked them. */
  isShownOnline(userId: number, viewer: number): boolean {
    return this.isOnline(userId) && !this.house.state.hasBlocked(userId, viewer);
  }

  online(): number[] {
    return [...this.sockets.keys()];
  }

  connected({ user_id, session_id }: Identity): void {
    this.forget(user_id, session_id);
    const before = this.sockets.get(user_id);
    this.sockets.set(user_id, (before ?? 0) + 1);
    if (before === undefined) this.house.presenceNews.changed(user_id, false);
  }

  /** @param forGood its session ended: it is not waited for */
  disconnected({ user_id, session_id }: Identity, forGood: boolean, heardAt: number): void {
    const left = Math.max(0, (this.sockets.get(user_id) ?? 0) - 1);
    this.sockets.set(user_id, left);
    if (!forGood) this.awaitReturn(user_id, session_id);
    const last = Math.max(heardAt, this.heard.get(user_id) ?? -Infinity);
    if (left > 0) {
      this.heard.set(user_id, last);
      return;
    }
    this.heard.delete(user_id);
    this.house.attendance.markWhenGone(user_id, last);
    this.goUnlessAwaited(user_id);
  }

  /** A session has ended, and is not waited for. */
  endGrace({ user_id, session_id }: Identity): void {
    if (this.forget(user_id, session_id)) this.goUnlessAwaited(user_id);
  }

  /** Nobody is seen before they came; of whoever has erased their account nothing is known. */
  leftAt(userId: number, time: number): void {
    const person = this.house.state.person(userId);
    if (person) person.last_seen = Math.max(person.created_at, time);
  }

  private awaitReturn(userId: number, sessionId: number): void {
    this.forget(userId, sessionId);
    const end = this.house.timers.after(OFFLINE_AFTER_MS, () =>
      this.endGrace({ user_id: userId, session_id: sessionId }),
    );
    const sessions = this.awaited.get(userId) ?? new Map<number, () => void>();
    this.awaited.set(userId, sessions.set(sessionId, end));
  }

  /** @returns whether it was waited for */
  private forget(userId: number, sessionId: number): boolean {
    const sessions = this.awaited.get(userId);
    sessions?.get(sessionId)?.();
    const wasAwaited = sessions?.delete(sessionId) ?? false;
    if (sessions?.size === 0) this.awaited.delete(userId);
    return wasAwaited;
  }

  private goUnlessAwaited(userId: number): void {
    if (this.isConnected(userId) || this.awaited.has(userId)) return;
    this.sockets.delete(userId);
    this.leftAt(userId, this.house.now());
    this.house.attendance.wentOffline(userId);
    this.house.presenceNews.changed(userId, true);
  }
}
