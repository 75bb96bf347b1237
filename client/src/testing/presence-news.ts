import type { House } from './house.js';
import { Batcher } from './pacing.js';
import type { Connection } from './sockets.js';
import { iso } from './texts.js';

/** Shortest time between two packets to one socket. */
const GATHER_MS = 1_000;
/** People of one packet; more follow a second later. */
const MOST_CHANGES = 500;

/** People by receiver; true where the receiver is told also if the person hides from them. */
type Owed<T> = Map<T, Map<number, boolean>>;

/**
 * Tells who came online and who went: one packet a second and socket, with everybody in it, and what is true when it is told. To those
 * who have a room with them, and to those who are in a small group with them.
 */
export class PresenceNews {
  /** Who changed since the last packets, and whether they were online before. */
  private readonly changes: Batcher<number, boolean>;
  private owedToUsers: Owed<number> = new Map();
  private readonly owedToSockets: Owed<Connection> = new Map();

  constructor(private readonly house: House) {
    const first = (before: boolean): boolean => before;
    this.changes = new Batcher(house.timers, GATHER_MS, (changed) => this.tell(changed), first);
  }

  changed(userId: number, wasOnline: boolean): void {
    this.changes.add(userId, wasOnline);
  }

  /** These people begin or cease to see somebody, who may not have changed. */
  show(userId: number, viewers: Iterable<number>): void {
    owe(this.owedToUsers, viewers, userId);
    this.changes.wake();
  }

  /** From their first message on, two people hear of each other. */
  met(one: number, other: number): void {
    this.show(one, [other]);
    this.show(other, [one]);
  }

  /** Somebody hides from a viewer from now on, or no more. */
  visibilityChanged(userId: number, viewer: number): void {
    if (this.house.people.viewersOf(userId).has(viewer)) owe(this.owedToUsers, [viewer], userId, true);
    this.changes.wake();
  }

  private tell(changed: ReadonlyMap<number, boolean>): void {
    const { people, presence, sockets } = this.house;
    for (const [userId, wasOnline] of changed)
      if (presence.isOnline(userId) !== wasOnline) owe(this.owedToUsers, people.viewersOf(userId), userId);
    for (const [viewer, owed] of this.owedToUsers) {
      owed.delete(viewer);
      for (const connection of sockets.of(viewer))
        for (const [userId, isHidden] of owed) owe(this.owedToSockets, [connection], userId, isHidden);
    }
    this.owedToUsers = new Map();
    for (const [connection, owed] of this.owedToSockets) {
      const now = [...owed].slice(0, MOST_CHANGES);
      for (const [userId] of now) owed.delete(userId);
      const mine = now.flatMap(([userId, isHidden]) => this.entry(userId, connection.user_id, isHidden) ?? []);
      if (mine.length > 0 && sockets.has(connection)) connection.send('presence', mine);
      if (owed.size === 0) this.owedToSockets.delete(connection);
    }
    if (this.owedToSockets.size > 0) this.changes.wake();
  }

  private entry(userId: number, viewer: number, isHidden: boolean) {
    const { presence, state } = this.house;
    if (state.hasBlocked(userId, viewer))
      return isHidden ? { user_id: userId, is_online: false, last_seen: null } : undefined;
    const seen = state.people.get(userId)?.last_seen ?? null;
    return { user_id: userId, is_online: presence.isOnline(userId), last_seen: seen === null ? null : iso(seen) };
  }
}

function owe<T>(owed: Owed<T>, to: Iterable<T>, userId: number, isHidden = false): void {
  for (const one of to) {
    const people = owed.get(one) ?? new Map<number, boolean>();
    owed.set(one, people.set(userId, isHidden || (people.get(userId) ?? false)));
  }
}
