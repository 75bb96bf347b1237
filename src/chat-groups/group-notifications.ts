import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { GroupNotification, MessageChanged } from '../realtime/events.js';
import { Publisher } from '../realtime/publisher.js';

/** Shortest time between two notifications of one group. */
const EVERY_MS = 1_000;

/** Tells members outside a group that there is something new: at once, and then at most once a second, with the newest. */
@Injectable()
export class GroupNotifications implements OnApplicationShutdown {
  /** Groups told less than a second ago, each with what has come since. */
  private readonly recent = new Map<number, { timer: NodeJS.Timeout; latest?: GroupNotification }>();

  constructor(private readonly publisher: Publisher) {}

  onApplicationShutdown(): void {
    for (const { timer } of this.recent.values()) clearTimeout(timer);
  }

  stored(notification: GroupNotification): void {
    const told = this.recent.get(notification.chat_group_id);
    if (told) told.latest = notification;
    else this.tell(notification);
  }

  /** What still waits to be told about a message is told as the message is now. */
  changed(groupId: number, { seq, message, deleted }: MessageChanged): void {
    const latest = this.recent.get(groupId)?.latest;
    if (latest?.last_seq === seq) Object.assign(latest, { message, ...(deleted && { deleted }) });
  }

  private tell(notification: GroupNotification): void {
    const groupId = notification.chat_group_id;
    this.publisher.groupNotification(notification);
    const timer = setTimeout(() => {
      const latest = this.recent.get(groupId)?.latest;
      this.recent.delete(groupId);
      if (latest) this.tell(latest);
    }, EVERY_MS).unref();
    this.recent.set(groupId, { timer });
  }
}
