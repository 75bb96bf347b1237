import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Homes } from '../../cluster/homes.js';
import { Throttle } from '../../common/timing/throttle.js';
import type { GroupNotification, MessageChanged } from '../../sockets/events.js';
import { Publisher } from '../../sockets/publisher.js';

/** Shortest time between two notifications of one group. */
const EVERY_MS = 1_000;

/** Notifies members outside a group of new messages: at once, and then at most once a second, with the newest. */
@Injectable()
export class GroupNotifications implements BeforeApplicationShutdown {
  private readonly news: Throttle<string, GroupNotification>;
  private readonly give;

  constructor(
    publisher: Publisher,
    private readonly homes: Homes,
  ) {
    this.news = new Throttle(EVERY_MS, (notification) => publisher.groupNotification(notification));
    this.give = homes.at<GroupNotification | MessageChanged>('notification', (news, groupId) =>
      'last_seq' in news ? this.news.push(groupId, news) : this.amend(groupId, news),
    );
  }

  beforeApplicationShutdown(): void {
    // Other nodes have given it here, for their own sockets.
    if (this.homes.areShared) this.news.flush();
    this.news.stop();
  }

  stored(notification: GroupNotification): void {
    this.give(notification.chat_group_id, notification);
  }

  /** A notification that still waits shows the message as it is now. */
  changed(groupId: number, changed: MessageChanged): void {
    this.give(groupId, changed);
  }

  private amend(groupId: string, { seq, message, deleted }: MessageChanged): void {
    this.news.amend(groupId, (latest) =>
      latest.last_seq === seq ? { ...latest, message, ...(deleted && { deleted }) } : latest,
    );
  }
}
