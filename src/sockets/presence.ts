import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/timing/clock.js';
import type { Identity } from '../common/identity.js';
import { DomainEvents } from '../domain-events/domain-events.js';

/** A user whose last socket closed is offline after this long: a reload or a tunnel is not an absence. */
export const OFFLINE_AFTER_MS = 5_000;

/** Who has a socket open. */
@Injectable()
export class Presence implements OnApplicationShutdown {
  /** Open sockets by user. A user in here is online. */
  private readonly sockets = new Map<number, number>();
  /** By user, the sessions that lost a socket a moment ago, and may come back. */
  private readonly awaited = new Map<number, Map<number, NodeJS.Timeout>>();
  /** Of those who have closed a socket and have another one open: when they were last heard on one that they closed. */
  private readonly heard = new Map<number, number>();

  constructor(
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {}

  /** Has a socket open right now. */
  isConnected(userId: number): boolean {
    return (this.sockets.get(userId) ?? 0) > 0;
  }

  /** Has a socket open, or had one just now. */
  isOnline(userId: number): boolean {
    return this.sockets.has(userId);
  }

  online(): number[] {
    return [...this.sockets.keys()];
  }

  connected({ userId, sessionId }: Identity): void {
    this.forget(userId, sessionId);
    const before = this.sockets.get(userId);
    this.sockets.set(userId, (before ?? 0) + 1);
    if (before === undefined) this.events.publish('wentOnline', { userId });
  }

  /** On a socket that has closed, where others are still open; on the clock of `now()`. */
  heardAt(userId: number): number {
    return this.heard.get(userId) ?? -Infinity;
  }

  /** One socket closed, on which its client was last heard at `heardAt`; `forGood` where its session ended, so that it is not waited for. */
  disconnected({ userId, sessionId }: Identity, forGood: boolean, heardAt: number): void {
    // With 0 sockets, it stays in the map: still online while a session is waited for.
    const left = Math.max(0, (this.sockets.get(userId) ?? 0) - 1);
    this.sockets.set(userId, left);
    if (!forGood) this.awaitReturn(userId, sessionId);
    const last = Math.max(heardAt, this.heardAt(userId));
    if (left > 0) {
      this.heard.set(userId, last);
      return;
    }
    this.heard.delete(userId);
    this.events.publish('disconnected', { userId, heardAt: last });
    this.goUnlessAwaited(userId);
  }

  /** A session has ended, and is not waited for; others of the same person still are. */
  endGrace({ userId, sessionId }: Identity): void {
    if (this.forget(userId, sessionId)) this.goUnlessAwaited(userId);
  }

  onApplicationShutdown(): void {
    for (const sessions of this.awaited.values()) for (const timer of sessions.values()) clearTimeout(timer);
  }

  private awaitReturn(userId: number, sessionId: number): void {
    this.forget(userId, sessionId);
    const timer = setTimeout(() => this.endGrace({ userId, sessionId }), OFFLINE_AFTER_MS).unref();
    const sessions = this.awaited.get(userId);
    if (sessions) sessions.set(sessionId, timer);
    else this.awaited.set(userId, new Map([[sessionId, timer]]));
  }

  /** @returns whether it was waited for */
  private forget(userId: number, sessionId: number): boolean {
    const sessions = this.awaited.get(userId);
    clearTimeout(sessions?.get(sessionId));
    const wasAwaited = sessions?.delete(sessionId) ?? false;
    if (sessions?.size === 0) this.awaited.delete(userId);
    return wasAwaited;
  }

  private goUnlessAwaited(userId: number): void {
    if (this.isConnected(userId) || this.awaited.has(userId)) return;
    this.sockets.delete(userId);
    this.events.publish('wentOffline', { userId, at: this.clock.now() });
  }
}
