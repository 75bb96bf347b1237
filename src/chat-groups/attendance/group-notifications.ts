import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Homes } from '../../cluster/homes.js';
import { Throttle } from '../../common/timing/throttle.js';
import { cut } from '../../conversations/quotes.js';
import type { GroupNotification, MessageChanged } from '../../sockets/events.js';
import { Publisher } from '../../sockets/publisher.js';

/** Shortest time between two notifications of one group. */
const EVERY_MS = 1_000;

/** Most people that one notification names: it goes to all members outside. */
const MOST_NAMED = 100;

/** The newest message, and all who were named since the last notification. */
function merge(waiting: GroupNotification, later: GroupNotification): GroupNotification {
  const mentions = [...new Set([...(waiting.mentions ?? []), ...(later.mentions ?? [])])].slice(0, MOST_NAMED);
  return {
    ...later,
    ...(mentions.length > 0 && { mentions }),
    ...((waiting.everyone || later.everyone) && { everyone: true }),
  };
}

/** Notifies members outside a group of new messages: at once, and then at most once a second, with the newest. */
@Injectable()
export class GroupNotifications implements BeforeApplicationShutdown {
  private readonly news: Throttle<string, GroupNotification>;
  private readonly give;

  constructor(
    publisher: Publisher,
    private readonly homes: Homes,
  ) {
    this.news = new Throttle(EVERY_MS, (notification) => publisher.groupNotification(notification), merge);
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

  /** A notification that still waits shows the message, and the one that it answers, as they are now. */
  changed(groupId: number, changed: MessageChanged): void {
    this.give(groupId, changed);
  }

  private amend(groupId: string, { seq, change, message, deleted }: MessageChanged): void {
    const gone = deleted && { deleted };
    this.news.amend(groupId, (latest) => {
      const { reply_to: quote, ...rest } = latest;
      if (latest.last_seq === seq) return { ...rest, message, ...(gone ?? (quote && { reply_to: quote })) };
      if (quote?.seq !== seq) return latest;
      return { ...rest, reply_to: { ...quote, message: cut(message), change, ...gone } };
    });
  }
}
