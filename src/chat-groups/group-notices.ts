import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { In } from 'typeorm';
import { User } from '../auth/user.entity.js';
import { logLine } from '../common/log-line.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { GroupNotice } from '../realtime/events.js';
import { Publisher } from '../realtime/publisher.js';

/** Those who come and go within this time share a sentence. */
export const GATHER_MS = 1_000;
/** Nobody is named twice for one group within this time. Who comes and goes is told afterwards where they stand. */
export const QUIET_MS = 10_000;
/** People named in one sentence; more are counted. */
const NAMED = 2;

interface Change {
  /** Where they are now. */
  isIn: boolean;
  /** Where the group believes them to be. */
  toldIsIn: boolean;
  /** When they may be named again. */
  notBefore: number;
}

/** Tells those who are in a group who came and who left, in as few sentences as will do. */
@Injectable()
export class GroupNotices implements OnApplicationShutdown {
  private readonly logger = new Logger(GroupNotices.name);
  private readonly changes = new Map<number, Map<number, Change>>();
  private readonly timers = new Map<number, { at: number; timer: NodeJS.Timeout }>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly publisher: Publisher,
  ) {}

  onApplicationShutdown(): void {
    for (const { timer } of this.timers.values()) clearTimeout(timer);
  }

  /** Somebody entered or left, just now. */
  changed(groupId: number, userId: number, isIn: boolean): void {
    let changes = this.changes.get(groupId);
    if (!changes) this.changes.set(groupId, (changes = new Map()));
    const change = changes.get(userId) ?? { isIn, toldIsIn: !isIn, notBefore: 0 };
    change.isIn = isIn;
    changes.set(userId, change);
    this.schedule(groupId, Math.max(Date.now() + GATHER_MS, change.notBefore));
  }

  /** Tells at `at`, or earlier where that was planned already: those who are gathered must not wait for those who are quiet. */
  private schedule(groupId: number, at: number): void {
    const planned = this.timers.get(groupId);
    if (planned && planned.at <= at) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(() => {
      this.timers.delete(groupId);
      this.tell(groupId).catch((error: unknown) => this.logger.error(`A notice was not told: ${logLine(error)}`));
    }, at - Date.now()).unref();
    this.timers.set(groupId, { at, timer });
  }

  private async tell(groupId: number): Promise<void> {
    const now = Date.now();
    const changes = this.changes.get(groupId);
    if (!changes) return;
    const entered: number[] = [];
    const left: number[] = [];
    for (const [userId, change] of changes) {
      if (change.notBefore > now) continue;
      if (change.isIn === change.toldIsIn) {
        changes.delete(userId);
        continue;
      }
      (change.isIn ? entered : left).push(userId);
      Object.assign(change, { toldIsIn: change.isIn, notBefore: now + QUIET_MS });
    }
    // Once more when those named now may be named again: they may have gone on in the meantime.
    if (changes.size === 0) this.changes.delete(groupId);
    else
      this.schedule(groupId, Math.max(now + GATHER_MS, Math.min(...[...changes.values()].map((one) => one.notBefore))));
    await this.say(groupId, 'entered', entered);
    await this.say(groupId, 'left', left);
  }

  private async say(groupId: number, kind: GroupNotice['notice']['kind'], userIds: number[]): Promise<void> {
    if (userIds.length === 0) return;
    const named = userIds.length === NAMED + 1 ? userIds : userIds.slice(0, NAMED);
    const users = await this.unitOfWork.read.find(User, {
      select: { id: true, firstName: true, lastName: true },
      where: { id: In(named) },
    });
    const names = named
      .flatMap((id) => users.find((user) => user.id === id) ?? [])
      .map((user) => `${user.firstName} ${user.lastName}`);
    const others = userIds.length - named.length;
    const message = `${sentence(others > 0 ? [...names, `${others} others`] : names)} ${kind} the group`;
    this.publisher.groupNotice({
      chat_type: 'group',
      chat_group_id: groupId,
      message,
      notice: { kind, user_ids: userIds },
    });
  }
}

/** `Ada`, `Ada and Alan`, `Ada, Alan and 12 others` */
const sentence = (parts: string[]): string =>
  parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : (parts[0] ?? 'Somebody');
