import type { House } from './house.js';
import { Throttle } from './pacing.js';
import { type Group, type StoredMessage, usersIn } from './state.js';
import { displayName, iso } from './texts.js';
import { replyField } from './views.js';

/** Those who come and go within this time share a sentence. */
const GATHER_MS = 1_000;
/** Nobody is named twice for one group within this time. */
const QUIET_MS = 10_000;
/** People named in one sentence; more are counted. */
const NAMED = 2;
const MOST_IDS = 100;
/** Shortest time between two notifications of one group. */
const NOTIFY_EVERY_MS = 1_000;

interface Change {
  /** Where they are now. */
  isIn: boolean;
  /** Where the group believes them to be. */
  toldIsIn: boolean;
  /** When they may be named again. */
  notBefore: number;
}

interface Notification {
  readonly chat_type: 'group';
  readonly chat_group_id: number;
  readonly last_seq: number;
  readonly user_id: number;
  readonly message: string;
  readonly timestamp: string;
  readonly deleted?: true;
  readonly reply_to?: { readonly seq: number };
  readonly mentions?: readonly number[];
  readonly everyone?: true;
}

/** The newest message, and all who were named since the last notification. */
function merged(waiting: Notification, later: Notification): Notification {
  const mentions = [...new Set([...(waiting.mentions ?? []), ...(later.mentions ?? [])])].slice(0, MOST_IDS);
  return {
    ...later,
    ...(mentions.length > 0 && { mentions }),
    ...((waiting.everyone || later.everyone) && { everyone: true }),
  };
}

/** Tells those who are in a group who came and who left, and the members outside that there is something new. */
export class GroupNotices {
  private readonly changes = new Map<number, Map<number, Change>>();
  private readonly planned = new Map<number, { readonly at: number; readonly end: () => void }>();
  private readonly news: Throttle<number, Notification>;

  constructor(private readonly house: House) {
    this.news = new Throttle(house.timers, NOTIFY_EVERY_MS, (notification) => this.notify(notification), merged);
  }

  /** Somebody entered or left, just now. */
  changed(groupId: number, userId: number, isIn: boolean): void {
    const changes = this.changes.get(groupId) ?? new Map<number, Change>();
    const change = changes.get(userId) ?? { isIn, toldIsIn: !isIn, notBefore: 0 };
    change.isIn = isIn;
    this.changes.set(groupId, changes.set(userId, change));
    this.plan(groupId, Math.max(this.house.now() + GATHER_MS, change.notBefore));
  }

  /** @param notified who was named, or answered */
  stored(group: Group, stored: StoredMessage, notified: readonly number[]): void {
    const { seq, user_id, message, timestamp, extras } = stored;
    this.news.push(group.id, {
      chat_type: 'group',
      chat_group_id: group.id,
      last_seq: seq,
      user_id,
      message,
      timestamp: iso(timestamp),
      ...replyField(group, stored),
      ...(notified.length > 0 && { mentions: notified }),
      ...(extras?.everyone && { everyone: true }),
    });
  }

  /** What still waits to be told about a message is told as the message is now, and what it answers. */
  amended(group: Group, { seq, message, is_deleted }: StoredMessage): void {
    this.news.amend(group.id, (latest) => {
      const shown = latest.last_seq === seq ? { message, ...(is_deleted && { deleted: true as const }) } : {};
      const { reply_to: _, ...rest } = latest;
      return { ...rest, ...shown, ...replyField(group, group.messages[latest.last_seq - 1]!) };
    });
  }

  private notify(notification: Notification): void {
    const group = this.house.state.group(notification.chat_group_id);
    if (!group) return;
    const outside = [...group.members].filter(([userId, { is_in }]) => !is_in && userId !== notification.user_id);
    this.house.sockets.tell(
      outside.map(([userId]) => userId),
      'notification',
      notification,
    );
  }

  /** At `at`, or earlier where that was planned already. */
  private plan(groupId: number, at: number): void {
    const planned = this.planned.get(groupId);
    if (planned && planned.at <= at) return;
    planned?.end();
    const end = this.house.timers.after(at - this.house.now(), () => {
      this.planned.delete(groupId);
      this.tell(groupId);
    });
    this.planned.set(groupId, { at, end });
  }

  private tell(groupId: number): void {
    const now = this.house.now();
    const changes = this.changes.get(groupId);
    if (!changes) return;
    const came: number[] = [];
    const went: number[] = [];
    let next = Infinity;
    for (const [userId, change] of changes) {
      if (change.notBefore <= now) {
        if (change.isIn === change.toldIsIn) {
          changes.delete(userId);
          continue;
        }
        (change.isIn ? came : went).push(userId);
        Object.assign(change, { toldIsIn: change.isIn, notBefore: now + QUIET_MS });
      }
      next = Math.min(next, change.notBefore);
    }
    // Once more when those named now may be named again: they may have gone on in the meantime.
    if (changes.size === 0) this.changes.delete(groupId);
    else this.plan(groupId, Math.max(now + GATHER_MS, next));
    this.say(groupId, 'entered', came);
    this.say(groupId, 'left', went);
  }

  private say(groupId: number, kind: 'entered' | 'left', userIds: readonly number[]): void {
    const group = this.house.state.group(groupId);
    const count = userIds.length;
    if (count === 0 || !group) return;
    const named = count === NAMED + 1 ? userIds : userIds.slice(0, NAMED);
    const names = named.flatMap((userId) => {
      const person = this.house.state.people.get(userId);
      return person ? displayName(person.first_name, person.last_name) : [];
    });
    const others = count - named.length;
    const message = `${sentence(others > 0 ? [...names, `${others} others`] : names)} ${kind} the group`;
    this.house.sockets.tell(usersIn(group), 'message', {
      chat_type: 'group',
      chat_group_id: groupId,
      message,
      notice: { kind, user_ids: userIds.slice(0, MOST_IDS), count },
    });
  }
}

const sentence = (parts: readonly string[]): string =>
  parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : (parts[0] ?? 'Somebody');
