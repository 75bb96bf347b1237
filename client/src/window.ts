import type { Message } from './data.js';
import { requoted } from './quotes.js';
import { isMine } from './reactions.js';
import { frozen } from './store.js';

/**
 * Of two versions of a message, the one with the higher `change` is the newer; of two with the same, one that says more of this user's
 * reactions. @returns `a`, or `b` with what it does not say of itself: live events name no `client_id`, and few reactions as one's own
 */
export function newerOf(a: Message, b: Message): Message {
  const more = (b.change ?? 0) - (a.change ?? 0);
  const saysMore = (): boolean | undefined =>
    b.reactions?.some(({ emoji, is_mine }) => is_mine !== undefined && is_mine !== isMine(a, emoji));
  if (more < 0 || (more === 0 && !(a.reply_to?.is_unknown && b.reply_to) && !saysMore())) return a;
  const { client_id = a.client_id, reactions } = b;
  return frozen({
    ...b,
    ...(client_id !== undefined && { client_id }),
    ...(reactions && {
      reactions: reactions.map((one) => ({ ...one, is_mine: one.is_mine ?? isMine(a, one.emoji) })),
    }),
  });
}

/** More than this, and the hole is not mended in time: it is left to the reader. */
const MOST_AHEAD = 1_000;

/**
 * A stretch of a chat's messages without a gap, oldest first. Everything that arrives passes here, in any order and any number of
 * times: what does not join on waits until what lies between has come.
 */
export class Window {
  /** Never changed in place: another array is another state. */
  messages: readonly Message[] = [];
  /** New messages belong at its end. */
  atEnd = false;
  /** What came too early. */
  private readonly ahead = new Map<number, Message>();

  /** 0: empty. */
  get first(): number {
    return this.messages[0]?.seq ?? 0;
  }

  /** 0: empty. */
  get last(): number {
    return this.messages.at(-1)?.seq ?? 0;
  }

  get atStart(): boolean {
    // Before nothing is nothing: what an empty one lacks comes after it.
    return this.first <= 1;
  }

  at(seq: number): Message | undefined {
    return this.messages[seq - this.first];
  }

  /** Begins anew with a page. */
  reset(page: readonly Message[], atEnd: boolean): void {
    this.messages = page;
    this.atEnd = atEnd;
    this.ahead.clear();
  }

  /** A page or a message, which overlaps or touches what is there, or waits. */
  merge(page: readonly Message[], waits = true): void {
    const before = this.messages;
    const { length } = page;
    if (length === 0) return;
    const [from, to] = [page[0]!.seq, page[length - 1]!.seq];
    if (before.length === 0) {
      if (!this.atEnd || from === 1) this.messages = page;
      else if (waits) this.wait(page);
    } else if (from === this.last + 1) {
      this.messages = [...before, ...page];
    } else if (to === this.first - 1) {
      this.messages = [...page, ...before];
    } else if (from > this.last || to < this.first) {
      if (from > this.last && waits) this.wait(page);
    } else {
      this.overlap(page);
    }
    this.join();
  }

  /** A message as it is now: if it is one of these, and where these quote it. @returns whether that was news */
  change(message: Message): boolean {
    let isNews = false;
    const now = (one: Message): Message => {
      const changed = one.seq === message.seq ? newerOf(one, message) : requoted(one, message);
      isNews ||= changed !== one;
      return changed;
    };
    for (const [seq, one] of this.ahead) this.ahead.set(seq, now(one));
    const messages = this.messages.map(now);
    if (isNews) this.messages = messages;
    return isNews;
  }

  /** What comes from now on does not belong here: the reader has more to catch up with than is fetched by itself. */
  stopAtLast(): void {
    this.atEnd = false;
    this.ahead.clear();
  }

  /** Forgets the oldest. */
  keepNewest(count: number): void {
    if (this.messages.length > count) this.messages = this.messages.slice(-count);
  }

  private wait(page: readonly Message[]): void {
    if (!this.atEnd) return;
    for (const message of page) this.ahead.set(message.seq, message);
    if (this.ahead.size > MOST_AHEAD) this.stopAtLast();
  }

  private overlap(page: readonly Message[]): void {
    const older = page.filter(({ seq }) => seq < this.first);
    const newer = page.filter(({ seq }) => seq > this.last);
    let changed: Message[] | undefined;
    for (const message of page) {
      const old = this.at(message.seq);
      if (!old || newerOf(old, message) === old) continue;
      changed ??= [...this.messages];
      changed[message.seq - this.first] = newerOf(old, message);
    }
    const middle = changed ?? this.messages;
    if (changed || older.length + newer.length > 0) this.messages = [...older, ...middle, ...newer];
  }

  private join(): void {
    if (this.ahead.size === 0) return;
    const joined: Message[] = [];
    for (let next = this.last + 1; ; next++) {
      const message = this.ahead.get(next);
      if (!message) break;
      this.ahead.delete(next);
      joined.push(message);
    }
    if (joined.length > 0) this.messages = [...this.messages, ...joined];
    for (const seq of this.ahead.keys()) if (seq <= this.last) this.ahead.delete(seq);
  }
}
