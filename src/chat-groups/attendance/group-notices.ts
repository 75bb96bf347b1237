import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { In } from 'typeorm';
import { displayName } from '../../identity/names.js';
import { User } from '../../identity/user.entity.js';
import { Homes } from '../../cluster/homes.js';
import { logLine } from '../../common/logs/log-line.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { GroupNotice } from '../../sockets/events.js';
import { Publisher } from '../../sockets/publisher.js';

/** Those who enter or leave within this time share a notice. */
export const GATHER_MS = 1_000;
/** No user is named twice in one group within this time. Who enters and leaves again and again is named afterwards, by where they are then. */
export const QUIET_MS = 10_000;
/** Users named in one notice; more are counted. */
const NAMED = 2;
/** Users whose ids stand in one notice; more are counted. */
export const MOST_IDS = 100;
/** Pauses before names are read again that could not be read. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

interface Change {
  /** Where they are now. */
  isIn: boolean;
  /** Where the last notice says that they are. */
  publishedIsIn: boolean;
  /** When they may be named again. */
  notBefore: number;
}

/** Publishes to those who are in a group who entered and who left, many in one notice. */
@Injectable()
export class GroupNotices implements OnApplicationShutdown {
  private readonly logger = new Logger(GroupNotices.name);
  private readonly changes = new Map<number, Map<number, Change>>();
  private readonly timers = new Map<number, { at: number; timer: NodeJS.Timeout }>();
  private readonly give;
  /** How many times in a row names could not be read. */
  private failures = 0;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly publisher: Publisher,
    homes: Homes,
  ) {
    this.give = homes.at<[number, boolean]>('notice', ([userId, isIn], groupId) =>
      this.note(Number(groupId), userId, isIn),
    );
  }

  onApplicationShutdown(): void {
    for (const { timer } of this.timers.values()) clearTimeout(timer);
  }

  /** A member entered or left. */
  changed(groupId: number, userId: number, isIn: boolean): void {
    this.give(groupId, [userId, isIn]);
  }

  private note(groupId: number, userId: number, isIn: boolean): void {
    let changes = this.changes.get(groupId);
    if (!changes) this.changes.set(groupId, (changes = new Map()));
    const change = changes.get(userId) ?? { isIn, publishedIsIn: !isIn, notBefore: 0 };
    change.isIn = isIn;
    changes.set(userId, change);
    this.schedule(groupId, Math.max(performance.now() + GATHER_MS, change.notBefore));
  }

  /** Publishes at `at`, or earlier where that was planned already: new names must not wait for those that may not be named yet. */
  private schedule(groupId: number, at: number): void {
    const planned = this.timers.get(groupId);
    if (planned && planned.at <= at) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(() => {
      this.timers.delete(groupId);
      void this.publish(groupId);
    }, at - performance.now()).unref();
    this.timers.set(groupId, { at, timer });
  }

  private async publish(groupId: number): Promise<void> {
    const now = performance.now();
    const changes = this.changes.get(groupId);
    if (!changes) return;
    const entered = new Map<number, Change>();
    const left = new Map<number, Change>();
    let next = Infinity;
    for (const [userId, change] of changes) {
      if (change.notBefore <= now) {
        if (change.isIn === change.publishedIsIn) {
          changes.delete(userId);
          continue;
        }
        (change.isIn ? entered : left).set(userId, change);
        Object.assign(change, { publishedIsIn: change.isIn, notBefore: now + QUIET_MS });
      }
      next = Math.min(next, change.notBefore);
    }
    // Again when those named now may be named again: they may have entered or left in the meantime.
    if (changes.size === 0) this.changes.delete(groupId);
    else this.schedule(groupId, Math.max(now + GATHER_MS, next));
    try {
      await this.say(groupId, 'entered', [...entered.keys()]);
      entered.clear();
      await this.say(groupId, 'left', [...left.keys()]);
      this.failures = 0;
    } catch (error) {
      this.publishLater(groupId, new Map([...entered, ...left]), error);
    }
  }

  /** These changes could not be published, and are put back. */
  private publishLater(groupId: number, unpublished: ReadonlyMap<number, Change>, error: unknown): void {
    // Logged once: the database may be away for long.
    if (this.failures++ === 0)
      this.logger.error(
        `Names could not be read: notices of who entered or left groups are late, and tried again: ${logLine(error)}`,
      );
    const changes = this.changes.get(groupId) ?? new Map<number, Change>();
    this.changes.set(groupId, changes);
    for (const [userId, change] of unpublished) {
      Object.assign(change, { publishedIsIn: !change.publishedIsIn, notBefore: 0 });
      changes.set(userId, change);
    }
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.failures, LONGEST_RETRY_MS);
    this.schedule(groupId, performance.now() + delay * (0.5 + Math.random() / 2));
  }

  private async say(groupId: number, kind: GroupNotice['notice']['kind'], userIds: number[]): Promise<void> {
    const count = userIds.length;
    if (count === 0) return;
    const named = count === NAMED + 1 ? userIds : userIds.slice(0, NAMED);
    const users = await this.unitOfWork.read.find(User, {
      select: { id: true, firstName: true, lastName: true },
      where: { id: In(named) },
    });
    const names = named
      .flatMap((id) => users.find((user) => user.id === id) ?? [])
      .map((user) => displayName(user.firstName, user.lastName));
    const others = count - named.length;
    const message = `${sentence(others > 0 ? [...names, `${others} others`] : names)} ${kind} the group`;
    this.publisher.groupNotice({
      chat_type: 'group',
      chat_group_id: groupId,
      message,
      notice: { kind, user_ids: userIds.slice(0, MOST_IDS), count },
    });
  }
}

/** `Ada`, `Ada and Alan`, `Ada, Alan and 12 others` */
const sentence = (parts: string[]): string =>
  parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : (parts[0] ?? 'Somebody');
