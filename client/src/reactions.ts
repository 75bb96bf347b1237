import type { BaseChat } from './chat.js';
import { ParleyError } from './errors.js';
import type { Message, Reaction } from './data.js';
import { quiet } from './promises.js';
import type { Until } from './store.js';
import type { Rows } from './types.js';
import type { WireReacted } from './wire.js';

/** With and without U+FE0F, the server takes it for the same. */
const plain = (emoji: string): string => emoji.replaceAll('\ufe0f', '');

const find = ({ reactions }: Message, emoji: string): Reaction | undefined =>
  reactions?.find((one) => plain(one.emoji) === plain(emoji));

/** The user is among them, or is not, or it is not said: events go to everybody alike. */
export const isMine = (message: Message, emoji: string): boolean | undefined => find(message, emoji)?.is_mine;

/** A message as it is once the user has reacted to it, or has taken that back. */
function reacted(message: Message, emoji: string, isOn: boolean): Message {
  const { reactions = [], ...rest } = message;
  const old = find(message, emoji);
  if ((old?.is_mine ?? false) === isOn) return message;
  const now: Reaction = { emoji: old?.emoji ?? emoji, count: (old?.count ?? 0) + (isOn ? 1 : -1), is_mine: isOn };
  const all = old ? reactions.map((one) => (one === old ? now : one)) : [...reactions, now];
  const left = all.filter(({ count }) => count > 0);
  return { ...rest, ...(left.length > 0 && { reactions: left }) };
}

interface Wish {
  readonly isOn: boolean;
  readonly done: Promise<void>;
}

/** Reactions of this user's that are under way: shown at once, and taken back where they are refused. */
export class Reactions {
  /** By `seq`, then by emoji: the newest wish counts. */
  private readonly wishes = new Map<number, Map<string, Wish>>();

  constructor(private readonly chat: BaseChat) {}

  /** @returns the same message where nothing is under way */
  shown(message: Message): Message {
    let now = message;
    for (const [emoji, { isOn }] of this.wishes.get(message.seq) ?? [])
      if (!message.deleted) now = reacted(now, emoji, isOn);
    return now;
  }

  /** @throws ParleyError: `offline`, or what the server refuses it for */
  async set(seq: number, emoji: string, isOn: boolean): Promise<void> {
    const { chat, wishes } = this;
    if (!chat.core.link.isOpen) throw new ParleyError('offline', 'There is no connection.');
    const key = plain(emoji);
    const ofMessage = wishes.get(seq) ?? new Map<string, Wish>();
    const wish: Wish = { isOn, done: quiet(this.ask(seq, emoji, isOn, ofMessage.get(key)?.done)) };
    wishes.set(seq, ofMessage.set(key, wish));
    chat.bump();
    try {
      await wish.done;
    } finally {
      if (ofMessage.get(key) === wish) ofMessage.delete(key);
      if (ofMessage.size === 0 && wishes.get(seq) === ofMessage) wishes.delete(seq);
      chat.bump();
    }
  }

  private async ask(seq: number, emoji: string, isOn: boolean, before: Promise<void> | undefined): Promise<void> {
    const { chat } = this;
    const { core, path } = chat;
    const isCurrent = core.guard();
    // Two requests may overtake each other.
    await before?.catch(() => {});
    await core.server.need('reactions');
    const body = { emoji, is_on: isOn };
    const answer = await core.http.ask<WireReacted>('PUT', `${path}/messages/${seq}/reactions`, { body });
    if (isCurrent()) await chat.onReacted(answer);
  }

  /** Who has reacted with one emoji: their ids, in order, 100 a page. @throws ParleyError */
  async people(seq: number, emoji: string, options?: Until, after?: number): Promise<Rows<number>> {
    const { core, path } = this.chat;
    await core.server.need('reactions');
    const { user_ids } = await core.http.ask<{ user_ids: number[] }>('GET', `${path}/messages/${seq}/reactions`, {
      query: { emoji, after },
      signal: options?.signal,
    });
    const last = user_ids[99];
    return Object.freeze({
      rows: Object.freeze(user_ids),
      ...(last && { next: (more?: Until) => this.people(seq, emoji, more, last) }),
    });
  }

  forget(): void {
    this.wishes.clear();
  }
}
