import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/timing/clock.js';
import { Metrics } from '../common/metrics.js';
import type { Identity } from '../common/identity.js';
import { DomainEvents } from '../domain-events/domain-events.js';

/** A user is offline so long after their last socket has closed: a page that reloads does not make them offline. */
export const OFFLINE_AFTER_MS = 5_000;

/** Which users are connected, and which are online. */
@Injectable()
export class Presence implements OnApplicationShutdown {
  /** Open sockets by user. A user in here is online. */
  private readonly sockets = new Map<number, number>();
  /** By user, the sessions that lost a socket a moment ago, and are expected back. */
  private readonly awaited = new Map<number, Map<number, NodeJS.Timeout>>();
  /** By user who has closed one socket and has others open: when the closed one was last heard. */
  private readonly heard = new Map<number, number>();

  constructor(
    private readonly events: DomainEvents,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    metrics.gauge(
      'parley_users_online',
      'Users with a socket open, or with one closed a moment ago.',
      () => this.sockets.size,
    );
  }

  /** Whether the user has a socket open right now. */
  isConnected(userId: number): boolean {
    return (this.sockets.get(userId) ?? 0) > 0;
  }

  /** Whether the user has a socket open, or had one within the last seconds. */
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

  /** When the user was last heard on a socket that has closed, while others are open; on the clock of `now()`. */
  heardAt(userId: number): number {
    return this.heard.get(userId) ?? -Infinity;
  }

  /** A socket closed that was last heard at `heardAt`. `forGood`: its session has ended, so that it is not expected back. */
  disconnected({ userId, sessionId }: Identity, forGood: boolean, heardAt: number): void {
    // With 0 sockets, the user stays in the map: online while a session is expected back.
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

  /** A session has ended, and is not expected back; others of the same user still are. */
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

  /** @returns whether it was expected back */
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
