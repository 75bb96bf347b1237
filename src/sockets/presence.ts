import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/timing/clock.js';
import { Metrics } from '../common/metrics.js';
import type { Identity } from '../common/identity.js';
import { NodeBus } from '../cluster/node-bus.js';
import { DomainEvents } from '../domain-events/domain-events.js';

/** A user is offline so long after their last socket has closed: a page that reloads does not make them offline. */
export const OFFLINE_AFTER_MS = 5_000;

/** A user of whom another node has told counts as online for so long, whatever the rows say: theirs may not be stored yet. */
const FRESH_MS = 5_000;

/** Which node told that it has the user, and when, on the clock of `performance.now()`. */
interface Told {
  readonly node: number;
  readonly at: number;
}

const STORED: Told = { node: 0, at: -Infinity };

/**
 * Which users are connected, and which are online. Of its own sockets each node knows it at once. What others have is a copy of their rows
 * in `online_people`, which `OnlineElsewhere` keeps; where one node is all there is, it stays empty.
 */
@Injectable()
export class Presence implements OnApplicationShutdown {
  /** Open sockets of this node by user. A user in here is online. */
  private readonly sockets = new Map<number, number>();
  /** By user, the sessions that lost a socket a moment ago, and are expected back. */
  private readonly awaited = new Map<number, Map<number, NodeJS.Timeout>>();
  /** By user who has closed one socket and has others open: when the closed one was last heard. */
  private readonly heard = new Map<number, number>();
  /** Users who have gone from this node, until it is stored: whether they are online elsewhere is known only then. Local. */
  private readonly leaving = new Set<number>();
  /** Users whom other nodes have, as the rows say, or as one of these nodes has told. Replicated, by its news and by reading the rows. */
  private elsewhere = new Map<number, Told>();

  constructor(
    private readonly events: DomainEvents,
    private readonly clock: Clock,
    private readonly bus: NodeBus,
    metrics: Metrics,
  ) {
    metrics.gauge(
      'parley_users_online',
      'Users with a socket open on this node, or with one closed a moment ago.',
      () => this.sockets.size,
    );
  }

  /** Whether the user has a socket open on this node right now. */
  isConnected(userId: number): boolean {
    return (this.sockets.get(userId) ?? 0) > 0;
  }

  /** The same, or another node has one, or had one within the last seconds. */
  isConnectedAnywhere(userId: number): boolean {
    return this.isConnected(userId) || this.elsewhere.has(userId);
  }

  /** Whether the user has a socket open on this node, or had one within the last seconds. */
  isHere(userId: number): boolean {
    return this.sockets.has(userId);
  }

  /** Whether the user has a socket open on any node, or had one within the last seconds. */
  isOnline(userId: number): boolean {
    return this.sockets.has(userId) || this.elsewhere.has(userId) || this.leaving.has(userId);
  }

  /** Those who are here. */
  allHere(): number[] {
    return [...this.sockets.keys()];
  }

  connected({ userId, sessionId }: Identity): void {
    this.forget(userId, sessionId);
    const before = this.sockets.get(userId);
    const wasOnline = this.isOnline(userId);
    this.sockets.set(userId, (before ?? 0) + 1);
    if (before !== undefined) return;
    this.leaving.delete(userId);
    this.events.publish('arrived', { userId });
    if (!wasOnline) this.events.publish('wentOnline', { userId });
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
    if (!this.sockets.delete(userId)) return;
    if (this.bus.isShared) this.leaving.add(userId);
    this.events.publish('departed', { userId, at: this.clock.now() });
    if (!this.bus.isShared) this.events.publish('wentOffline', { userId, isOurs: true });
  }

  /**
   * It is stored that these users have gone from this node. `last`: no other node has a row of them. `others`: one has.
   * @returns as `lastRowsDeleted`
   */
  departuresStored(last: readonly number[], others: readonly number[]): number[] {
    for (const userId of others) {
      this.leaving.delete(userId);
      if (!this.isHere(userId)) this.events.publish('movedAway', { userId });
    }
    return this.lastRowsDeleted(last);
  }

  /**
   * The last row of these users was deleted by this node: they have gone, unless one has come back meanwhile.
   * @returns those of whom another node has told a moment ago. Its row of them was deleted already, or is not stored yet: ask again
   */
  lastRowsDeleted(userIds: readonly number[]): number[] {
    const fresh = performance.now() - FRESH_MS;
    const doubtful: number[] = [];
    for (const userId of userIds) {
      this.leaving.delete(userId);
      if (this.isHere(userId)) continue;
      if ((this.elsewhere.get(userId)?.at ?? -Infinity) > fresh) {
        doubtful.push(userId);
        continue;
      }
      this.elsewhere.delete(userId);
      this.events.publish('wentOffline', { userId, isOurs: true });
    }
    return doubtful;
  }

  /** Another node has told that it has a user. */
  cameElsewhere(userId: number, node: number): void {
    const wasOnline = this.isOnline(userId);
    this.elsewhere.set(userId, { node, at: performance.now() });
    if (!wasOnline) this.events.publish('wentOnline', { userId });
  }

  /** That node has told that the user has gone from it to others. */
  movedElsewhere(userId: number, node: number): void {
    if (this.elsewhere.get(userId)?.node === node) this.elsewhere.set(userId, STORED);
  }

  /** Another node has told that no node has the user. @returns false where this node has */
  goneElsewhere(userId: number): boolean {
    const hadThem = this.elsewhere.delete(userId);
    if (this.sockets.has(userId) || this.leaving.has(userId)) return false;
    if (hadThem) this.events.publish('wentOffline', { userId, isOurs: false });
    return true;
  }

  /**
   * Replaces the copy by what the rows say.
   * @param since when reading began, on the clock of `performance.now()`
   * @param isFirst after a start: nobody is told
   */
  setElsewhere(userIds: ReadonlySet<number>, since: number, isFirst: boolean): void {
    const before = this.elsewhere;
    this.elsewhere = new Map();
    for (const userId of userIds) this.elsewhere.set(userId, STORED);
    for (const [userId, told] of before) if (told.at > since - FRESH_MS) this.elsewhere.set(userId, told);
    if (isFirst) return;
    const isOwn = (userId: number): boolean => this.sockets.has(userId) || this.leaving.has(userId);
    for (const userId of before.keys())
      if (!this.elsewhere.has(userId) && !isOwn(userId)) this.events.publish('wentOffline', { userId, isOurs: false });
    for (const userId of this.elsewhere.keys())
      if (!before.has(userId) && !isOwn(userId)) this.events.publish('wentOnline', { userId });
  }
}
