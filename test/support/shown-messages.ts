import type { GroupReactions, MessageChanged, ReactionsChanged, RoomReactions } from '../../src/sockets/events.js';
import { QUOTE_LENGTH } from '../../src/conversations/quotes.js';
import type { MessageView } from '../../src/conversations/message.view.js';

type Changed = Pick<RoomReactions | GroupReactions, 'changed'>['changed'];

interface Own {
  change: number;
  isOn: boolean;
}

/** A message without the field that only histories have. */
const withoutMine = ({ reactions, ...message }: MessageView): MessageView => ({
  ...message,
  ...(reactions && { reactions: reactions.map(({ emoji, count }) => ({ emoji, count })) }),
});

const cut = (text: string): string => [...text].slice(0, QUOTE_LENGTH).join('');

/**
 * The messages of one chat as a device knows them, by the rules of the protocol alone: of two states of a message the one with the higher
 * `change` counts; one's own reactions are what `changed` says of oneself; a quote follows the message that it quotes.
 */
export class ShownMessages {
  private readonly messages = new Map<number, MessageView>();
  /** Which reactions are the device's own, by message and emoji. */
  private readonly own = new Map<string, Own>();

  constructor(private readonly userId: number) {}

  get lastSeq(): number {
    return Math.max(0, ...this.messages.keys());
  }

  get lastChange(): number {
    return Math.max(0, ...[...this.messages.values()].map(({ change = 0 }) => change));
  }

  /** What a page of the history says. */
  fetched(message: MessageView): void {
    const { seq, change = 0, reactions = [] } = message;
    const mine = new Set(reactions.filter(({ is_mine }) => is_mine).map(({ emoji }) => emoji));
    for (const key of this.own.keys()) {
      const [place, emoji] = key.split(' ') as [string, string];
      if (Number(place) === seq && !mine.has(emoji)) this.gave(seq, emoji, { change, isOn: false });
    }
    for (const emoji of mine) this.gave(seq, emoji, { change, isOn: true });
    const known = this.messages.get(seq);
    if (!known || change >= (known.change ?? 0)) this.messages.set(seq, withoutMine(message));
  }

  /** What came live. */
  told(message: MessageView): void {
    const known = this.messages.get(message.seq);
    if (!known || (message.change ?? 0) > (known.change ?? 0)) this.messages.set(message.seq, message);
  }

  /** A change that came live: what it does not say of a message has not changed. */
  changed(event: MessageChanged | ReactionsChanged): void {
    const { seq, user_id, message, timestamp, change, edited_at, reply_to, mentions, reactions = [] } = event;
    const client_id = this.messages.get(seq)?.client_id;
    this.told({
      seq,
      user_id,
      message,
      timestamp,
      change,
      ...(client_id !== undefined && { client_id }),
      ...(edited_at !== undefined && { edited_at }),
      ...('deleted' in event && { deleted: true as const }),
      ...(reply_to && { reply_to }),
      ...(mentions && { mentions }),
      ...(reactions.length > 0 && { reactions }),
    });
    if ('changed' in event) this.gaveAll(seq, change, event.changed);
  }

  /** As it is on the screen. */
  shown(): object[] {
    return [...this.messages].sort(([a], [b]) => a - b).map(([, message]) => this.view(message));
  }

  private view(message: MessageView): object {
    const { seq, reply_to, reactions } = message;
    const isMine = (emoji: string) => this.own.get(`${seq} ${emoji}`)?.isOn === true;
    return {
      ...message,
      ...(reply_to && { reply_to: this.quote(reply_to) }),
      ...(reactions && {
        reactions: reactions.map((one) => ({ ...one, ...(isMine(one.emoji) && { is_mine: true }) })),
      }),
    };
  }

  private quote(quote: NonNullable<MessageView['reply_to']>): object {
    const now = this.messages.get(quote.seq);
    if (!now || (now.change ?? 0) <= (quote.change ?? 0)) return quote;
    const { seq, user_id, message, deleted, change } = now;
    return { seq, user_id, message: cut(message), ...(deleted && { deleted }), change };
  }

  private gaveAll(seq: number, change: number, changed: Changed): void {
    for (const { user_id, emoji, is_on: isOn } of changed)
      if (user_id === this.userId) this.gave(seq, emoji, { change, isOn });
  }

  private gave(seq: number, emoji: string, now: Own): void {
    const key = `${seq} ${emoji}`;
    if (now.change >= (this.own.get(key)?.change ?? 0)) this.own.set(key, now);
  }
}
