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

/** Whom one message names. */
type Named = Pick<GroupNotification, 'mentions' | 'everyone'>;

/** The newest message, and who was named since the last notification, by message: it may be deleted, or name fewer, while this waits. */
interface Waiting {
  readonly newest: Omit<GroupNotification, keyof Named>;
  readonly named: ReadonlyMap<number, Named>;
}

function toWaiting({ mentions, everyone, ...newest }: GroupNotification): Waiting {
  const named = { ...(mentions && { mentions }), ...(everyone && { everyone }) };
  return { newest, named: new Map(mentions || everyone ? [[newest.last_seq, named]] : []) };
}

const merge = (waiting: Waiting, later: Waiting): Waiting => ({
  newest: later.newest,
  named: new Map([...waiting.named, ...later.named]),
});

function toPacket({ newest, named }: Waiting): GroupNotification {
  const all = [...named.values()];
  const mentions = [...new Set(all.flatMap((one) => one.mentions ?? []))].slice(0, MOST_NAMED);
  return {
    ...newest,
    ...(mentions.length > 0 && { mentions }),
    ...(all.some(({ everyone }) => everyone) && { everyone: true }),
  };
}

/** Whom a message goes on to name once it was changed: nobody anew. Who wrote what it answers stays named. */
function stillNamed({ mentions = [], everyone }: Named, changed: MessageChanged): Named {
  const kept = new Set([...(changed.mentions?.user_ids ?? []), changed.reply_to?.user_id]);
  return {
    mentions: changed.deleted ? [] : mentions.filter((id) => kept.has(id)),
    ...(everyone && !changed.deleted && changed.mentions?.everyone && { everyone }),
  };
}

/** Notifies members outside a group of new messages: at once, and then at most once a second, with the newest. */
@Injectable()
export class GroupNotifications implements BeforeApplicationShutdown {
  private readonly news: Throttle<string, Waiting>;
  private readonly give;

  constructor(
    publisher: Publisher,
    private readonly homes: Homes,
  ) {
    this.news = new Throttle(EVERY_MS, (waiting) => publisher.groupNotification(toPacket(waiting)), merge);
    this.give = homes.at<GroupNotification | MessageChanged>('notification', (news, groupId) =>
      'last_seq' in news ? this.news.push(groupId, toWaiting(news)) : this.amend(groupId, news),
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

  private amend(groupId: string, changed: MessageChanged): void {
    const { seq } = changed;
    this.news.amend(groupId, ({ newest, named }) => {
      const before = named.get(seq);
      return {
        newest: amended(newest, changed),
        named: before ? new Map(named).set(seq, stillNamed(before, changed)) : named,
      };
    });
  }
}

function amended(newest: Waiting['newest'], { seq, change, message, deleted }: MessageChanged): Waiting['newest'] {
  const gone = deleted && { deleted };
  const { reply_to: quote, ...rest } = newest;
  if (newest.last_seq === seq) return { ...rest, message, ...(gone ?? (quote && { reply_to: quote })) };
  if (quote?.seq !== seq) return newest;
  return { ...rest, reply_to: { ...quote, message: cut(message), change, ...gone } };
}
