import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { In } from 'typeorm';
import { Batcher } from '../common/timing/batcher.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Audience } from './audience.js';
import type { PresenceChange } from '../sockets/events.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { LastSeen } from './last-seen.js';
import { User } from '../identity/user.entity.js';

/** Shortest time between two packets to one socket. */
const GATHER_MS = 1_000;
/** People of one packet, some 40 KB; the rest follows a second later. */
export const MAX_CHANGES = 500;
/** People of one question to the database. */
const CHUNK = 500;

/**
 * Tells who came online and who went, to those who see it: one packet a second and socket, with everybody in it. What is told is
 * what is true when it is told, so one who went and came back in between is not worth a packet, and a socket that did not keep up is
 * owed people, not packets: what it gets once it keeps up again is as short as if it had been new.
 */
@Injectable()
export class PresenceNews implements OnModuleInit, BeforeApplicationShutdown {
  /** Who changed since the last packets, and whether they were online before. */
  private readonly changed: Batcher<number, boolean>;
  /** Who began or ceased to hide, and from whom. */
  private readonly hidings: Batcher<string, [userId: number, viewer: number]>;
  /** Whose presence is news for whom, whether or not it changed. */
  private owedToUsers: Owed<number> = new Map();
  /** The same by socket: what was to be told, and is not yet. */
  private readonly owedToSockets: Owed<string> = new Map();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly lastSeen: LastSeen,
    private readonly audience: Audience,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
  ) {
    // The first change of a second says how it was before.
    const first = (before: boolean): boolean => before;
    this.changed = new Batcher('Presence', GATHER_MS, (changed) => this.tell(changed), first);
    this.hidings = new Batcher('Presence', 0, (hidings) => this.oweHidings([...hidings.values()]));
  }

  onModuleInit(): void {
    this.events.on('wentOnline', ({ userId }) => this.changed.add(userId, false));
    this.events.on('wentOffline', ({ userId }) => this.changed.add(userId, true));
    this.events.on('blockChanged', ({ blockerId, blockedId }) => this.visibilityChanged(blockerId, blockedId));
  }

  /** Everybody's sockets are about to close, and nobody is told. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.changed.stop(), this.hidings.stop()]);
  }

  /** These people begin or cease to see somebody, who may not have changed: in a group that both are in, say. */
  show(userId: number, viewers: Iterable<number>): void {
    owe(this.owedToUsers, viewers, userId);
    this.changed.wake();
  }

  /**
   * Somebody hides from a viewer from now on, or no more. If the viewer would hear of them otherwise, this once they are told how it
   * looks to them now: that the person is away, and then nothing; or what is true.
   */
  private visibilityChanged(userId: number, viewer: number): void {
    this.hidings.add(`${userId}:${viewer}`, [userId, viewer]);
  }

  private async oweHidings(hidings: [userId: number, viewer: number][]): Promise<void> {
    const viewers = await this.audience.of([...new Set(hidings.map(([userId]) => userId))]);
    for (const [userId, viewer] of hidings)
      if (viewers.get(userId)?.has(viewer)) owe(this.owedToUsers, [viewer], userId, true);
    this.changed.wake();
  }

  private async tell(changed: ReadonlyMap<number, boolean>): Promise<void> {
    const turned = [...changed.keys()].filter((userId) => this.presence.isOnline(userId) !== changed.get(userId));
    for (const [userId, viewers] of await this.audience.of(turned)) owe(this.owedToUsers, viewers, userId);
    for (const [viewer, people] of this.owedToUsers) {
      people.delete(viewer);
      for (const socketId of this.publisher.socketsOf(viewer))
        for (const [userId, isHidden] of people) owe(this.owedToSockets, [socketId], userId, isHidden);
    }
    this.owedToUsers = new Map();
    if (this.owedToSockets.size === 0) return;
    const owedNow = [...this.owedToSockets.values()].flatMap((owed) => [...owed.keys()].slice(0, MAX_CHANGES));
    const userIds = [...new Set(owedNow)];
    const states = await this.states(userIds);
    // Last: whoever hides by now is not shown.
    const hidden = await this.audience.blockedBy(userIds);
    for (const [socketId, owed] of this.owedToSockets) {
      const now = [...owed].slice(0, MAX_CHANGES);
      const told = this.publisher.presence(socketId, (viewer) =>
        now.flatMap(([userId, isHidden]) => {
          if (!hidden.get(userId)?.has(viewer)) return states.get(userId) ?? [];
          return isHidden ? { user_id: userId, is_online: false, last_seen: null } : [];
        }),
      );
      if (told === 'behind') continue;
      for (const [userId] of now) owed.delete(userId);
      if (told === 'gone' || owed.size === 0) this.owedToSockets.delete(socketId);
    }
    if (this.owedToSockets.size > 0) this.changed.wake();
  }

  /** What `GET /users` says of them now. */
  private async states(userIds: number[]): Promise<Map<number, PresenceChange>> {
    await this.lastSeen.stored();
    const states = new Map<number, PresenceChange>();
    for (let i = 0; i < userIds.length; i += CHUNK) {
      const users = await this.unitOfWork.read.find(User, {
        select: { id: true, lastSeen: true },
        where: { id: In(userIds.slice(i, i + CHUNK)) },
      });
      for (const { id, lastSeen } of users) {
        const last_seen = lastSeen?.toISOString() ?? null;
        states.set(id, { user_id: id, is_online: this.presence.isOnline(id), last_seen });
      }
    }
    return states;
  }
}

/** People by receiver; true where the receiver is told also if the person hides from them. */
type Owed<T> = Map<T, Map<number, boolean>>;

function owe<T>(owed: Owed<T>, to: Iterable<T>, userId: number, isHidden = false): void {
  for (const one of to) {
    const people = owed.get(one);
    if (people) people.set(userId, isHidden || (people.get(userId) ?? false));
    else owed.set(one, new Map([[userId, isHidden]]));
  }
}
