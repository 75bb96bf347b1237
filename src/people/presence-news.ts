import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { In } from 'typeorm';
import { NodeBus } from '../cluster/node-bus.js';
import { addTo, removeFrom } from '../common/sets-by-key.js';
import { Batcher } from '../common/timing/batcher.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { chunks } from '../database/chunks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Audience } from './audience.js';
import type { PresenceChange } from '../sockets/events.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { LastSeen } from './last-seen.js';
import { User } from '../identity/user.entity.js';

/** Shortest time between two packets to one socket. */
const GATHER_MS = 1_000;
/** Users of one packet, some 40 KB; the rest follows a second later. */
export const MAX_CHANGES = 500;

/**
 * Publishes who came online and who went offline, to those who may see it: one packet a second for each socket, with all changes in it.
 * The states are read when the packet is made, so a user who went and came back within the second is not in it. For a socket that does
 * not keep up, ids of users are kept, not packets: once it keeps up again, it gets their state as it is then. Each node publishes to its
 * own sockets.
 */
@Injectable()
export class PresenceNews implements OnModuleInit, BeforeApplicationShutdown {
  /** Users who changed since the last packets, and whether they were online before. */
  private readonly changed: Batcher<number, boolean>;
  /** Blocks that were made or taken back: who blocked, and whom. */
  private readonly visibility: Batcher<string, [userId: number, viewer: number]>;
  /** By receiver, users whose state they get with the next packet, whether or not it changed. */
  private pendingOfUsers: Pending<number> = new Map();
  /** With many nodes: by group, users who have entered it. How many are in it is asked when packets are made. */
  private readonly entered = new Map<number, Set<number>>();
  /** The same by socket: what is not sent yet. */
  private readonly pendingOfSockets: Pending<string> = new Map();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly lastSeen: LastSeen,
    private readonly audience: Audience,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
    private readonly bus: NodeBus,
  ) {
    // The first change of a second holds the state before it.
    const first = (before: boolean): boolean => before;
    this.changed = new Batcher('Publishing presence', GATHER_MS, (changed) => this.publish(changed), first);
    this.visibility = new Batcher('Publishing presence after a block', 0, (changes) =>
      this.addVisibilityChanges([...changes.values()]),
    );
  }

  onModuleInit(): void {
    this.events.on('wentOnline', ({ userId }) => this.changed.add(userId, false));
    this.events.on('wentOffline', ({ userId }) => this.changed.add(userId, true));
    this.events.on('blockChanged', ({ blockerId, blockedId }) => this.visibilityChanged(blockerId, blockedId));
    this.events.onElsewhere('blockChanged', ({ blockerId, blockedId }) => this.visibilityChanged(blockerId, blockedId));
  }

  /** All sockets are about to close: nothing is published of that. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.changed.stop(), this.visibility.stop()]);
  }

  /** These viewers begin or cease to see a user, whose state may not have changed: both have entered a group, say. */
  show(userId: number, viewers: Iterable<number>): void {
    addPending(this.pendingOfUsers, viewers, userId);
    this.changed.wake();
  }

  /** A user has entered a group: where it is small, those of this node who are in it begin to see the user. */
  showInGroup(userId: number, groupId: number): void {
    if (!this.bus.isShared) return this.show(userId, this.audience.inSmallGroup(groupId));
    addTo(this.entered, groupId, userId);
    this.changed.wake();
  }

  /**
   * A user has blocked a viewer, or taken the block back. A viewer who gets the user's presence otherwise is sent one more state: offline
   * after a block, and nothing from then on; the true one after its end.
   */
  private visibilityChanged(userId: number, viewer: number): void {
    this.visibility.add(`${userId}:${viewer}`, [userId, viewer]);
  }

  private async addVisibilityChanges(changes: [userId: number, viewer: number][]): Promise<void> {
    const viewers = await this.audience.of([...new Set(changes.map(([userId]) => userId))]);
    for (const [userId, viewer] of changes)
      if (viewers.get(userId)?.has(viewer)) addPending(this.pendingOfUsers, [viewer], userId, true);
    this.changed.wake();
  }

  private async showEntered(): Promise<void> {
    const entered = [...this.entered];
    if (entered.length === 0) return;
    const small = await this.audience.smallOf(entered.map(([groupId]) => groupId));
    for (const [groupId, userIds] of entered) {
      for (const userId of userIds) {
        if (small.has(groupId)) addPending(this.pendingOfUsers, this.audience.inSmallGroup(groupId), userId);
        removeFrom(this.entered, groupId, userId);
      }
    }
  }

  private async publish(changed: ReadonlyMap<number, boolean>): Promise<void> {
    await this.showEntered();
    const turned = [...changed.keys()].filter((userId) => this.presence.isOnline(userId) !== changed.get(userId));
    for (const [userId, viewers] of await this.audience.of(turned)) addPending(this.pendingOfUsers, viewers, userId);
    for (const [viewer, people] of this.pendingOfUsers) {
      people.delete(viewer);
      for (const socketId of this.publisher.socketsOf(viewer))
        for (const [userId, isHidden] of people) addPending(this.pendingOfSockets, [socketId], userId, isHidden);
    }
    this.pendingOfUsers = new Map();
    if (this.pendingOfSockets.size === 0) return;
    const inPackets = [...this.pendingOfSockets.values()].flatMap((pending) =>
      [...pending.keys()].slice(0, MAX_CHANGES),
    );
    const userIds = [...new Set(inPackets)];
    const states = await this.states(userIds);
    // Last: users who have blocked the viewer by now are left out.
    const hidden = await this.audience.blockedBy(userIds);
    for (const [socketId, pending] of this.pendingOfSockets) {
      const now = [...pending].slice(0, MAX_CHANGES);
      const sent = this.publisher.presence(socketId, (viewer) =>
        now.flatMap(([userId, isHidden]) => {
          if (!hidden.get(userId)?.has(viewer)) return states.get(userId) ?? [];
          return isHidden ? { user_id: userId, is_online: false, last_seen: null } : [];
        }),
      );
      if (sent === 'behind') continue;
      for (const [userId] of now) pending.delete(userId);
      if (sent === 'gone' || pending.size === 0) this.pendingOfSockets.delete(socketId);
    }
    if (this.pendingOfSockets.size > 0) this.changed.wake();
  }

  /** Their state, as `GET /users` shows it now. */
  private async states(userIds: number[]): Promise<Map<number, PresenceChange>> {
    await this.lastSeen.stored();
    const states = new Map<number, PresenceChange>();
    for (const some of chunks(userIds)) {
      const users = await this.unitOfWork.read.find(User, {
        select: { id: true, lastSeen: true },
        where: { id: In(some) },
      });
      for (const { id, lastSeen } of users) {
        const last_seen = lastSeen?.toISOString() ?? null;
        states.set(id, { user_id: id, is_online: this.presence.isOnline(id), last_seen });
      }
    }
    return states;
  }
}

/** Users by receiver; true where a user who has blocked the receiver is sent as offline, and not left out. */
type Pending<T> = Map<T, Map<number, boolean>>;

function addPending<T>(pending: Pending<T>, to: Iterable<T>, userId: number, isHidden = false): void {
  for (const one of to) {
    const people = pending.get(one);
    if (people) people.set(userId, isHidden || (people.get(userId) ?? false));
    else pending.set(one, new Map([[userId, isHidden]]));
  }
}
