import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';

/** A user whose last socket closed is offline after this long: a reload or a tunnel is not an absence. */
export const OFFLINE_AFTER_MS = 5_000;

type Listener = (userId: number) => void;

/** Who has a socket open. */
@Injectable()
export class Presence implements OnApplicationShutdown {
  /** Open sockets by user. A user in here is online. */
  private readonly sockets = new Map<number, number>();
  private readonly leaving = new Map<number, NodeJS.Timeout>();
  private readonly onlineListeners: Listener[] = [];
  private readonly offlineListeners: ((userId: number, at: Date) => void)[] = [];
  private readonly disconnectedListeners: Listener[] = [];

  constructor(private readonly clock: Clock) {}

  /** Calls `listener` whenever somebody has come online; one who only lost their sockets for a moment never went. */
  onOnline(listener: Listener): void {
    this.onlineListeners.push(listener);
  }

  /** Calls `listener` whenever somebody has gone offline. */
  onOffline(listener: (userId: number, at: Date) => void): void {
    this.offlineListeners.push(listener);
  }

  /** Calls `listener` whenever somebody's last socket has closed; they are online for a while yet, and may come back. */
  onDisconnected(listener: Listener): void {
    this.disconnectedListeners.push(listener);
  }

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

  connected(userId: number): void {
    clearTimeout(this.leaving.get(userId));
    this.leaving.delete(userId);
    const before = this.sockets.get(userId);
    this.sockets.set(userId, (before ?? 0) + 1);
    if (before === undefined) for (const listener of this.onlineListeners) listener(userId);
  }

  /** One socket closed; `forGood` where its session ended, so that nobody is waited for. */
  disconnected(userId: number, forGood: boolean): void {
    const left = (this.sockets.get(userId) ?? 0) - 1;
    if (left > 0) {
      this.sockets.set(userId, left);
      return;
    }
    // Stays in the map, with 0 sockets: still online until the time is up.
    this.sockets.set(userId, 0);
    for (const listener of this.disconnectedListeners) listener(userId);
    clearTimeout(this.leaving.get(userId));
    if (forGood) this.goOffline(userId);
    else this.leaving.set(userId, setTimeout(() => this.goOffline(userId), OFFLINE_AFTER_MS).unref());
  }

  /** Who has logged out is not waited for, where they have no socket left. */
  endGrace(userId: number): void {
    if (!this.leaving.has(userId)) return;
    clearTimeout(this.leaving.get(userId));
    this.goOffline(userId);
  }

  onApplicationShutdown(): void {
    for (const timer of this.leaving.values()) clearTimeout(timer);
  }

  private goOffline(userId: number): void {
    this.leaving.delete(userId);
    this.sockets.delete(userId);
    const at = this.clock.now();
    for (const listener of this.offlineListeners) listener(userId, at);
  }
}
