import type { BaseChat } from './chat.js';
import { Timer } from './clock.js';
import { ParleyError } from './errors.js';

const SEND_EVERY_MS = 1_000;
const RETRY_AFTER_MS = 2_000;

/** How far this user has read a chat: what was seen here, what of it the server has to be told, and where the "New" line stands. */
export class ReadMarks {
  seenSeq = 0;
  /** The first that was unread when the chat was opened. */
  newFrom: number | undefined;
  /** Opened, while it is not known yet what is unread. */
  private isNewFromOpen = false;
  private unsent = 0;
  /** Up to here it was seen while this page had the focus: that is read, also where nobody looks any more. */
  private read = 0;
  private readonly timer = new Timer(() => void this.send());

  constructor(private readonly chat: BaseChat) {}

  opened(): void {
    this.isNewFromOpen = true;
    this.fixNewFrom();
  }

  fixNewFrom(): void {
    const { core, unread, readSeq } = this.chat;
    if (!this.isNewFromOpen || !core.isSynced) return;
    this.isNewFromOpen = false;
    this.newFrom = unread > 0 ? readSeq + 1 : undefined;
    this.saw(readSeq);
  }

  closed(): void {
    this.newFrom = undefined;
    this.isNewFromOpen = false;
  }

  /** @returns whether that is news */
  saw(seq: number): boolean {
    const isNews = seq > this.seenSeq;
    if (isNews) this.seenSeq = seq;
    return isNews;
  }

  /** The reader has seen up to here. */
  seen(seq: number): void {
    const { chat } = this;
    const upTo = Math.min(seq, chat.lastSeq);
    if (this.saw(upTo)) chat.bump();
    if (upTo <= Math.max(chat.readSeq, this.hasFocus ? this.read : this.unsent)) return;
    this.unsent = Math.max(this.unsent, upTo);
    if (this.hasFocus) this.read = upTo;
    this.sendSoon();
  }

  /** Where something was seen that the server does not know of. */
  sendSoon(ms = SEND_EVERY_MS): void {
    if (this.unsent > 0) this.timer.set(this.chat.core.clock, ms);
  }

  /** Sends what was seen. What cannot be sent now goes with the next connection, or once the page has the focus again. */
  async send(): Promise<void> {
    const { chat, unsent } = this;
    const { core } = chat;
    if (unsent <= chat.readSeq) {
      this.unsent = 0;
      return;
    }
    // In view is not yet read: another window may have the keyboard, and the eyes with it.
    const upTo = chat.isLooking && this.hasFocus ? unsent : Math.min(unsent, this.read);
    if (upTo <= chat.readSeq || !core.link.isOpen) return;
    try {
      await chat.markRead(upTo);
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      if (!error.retryable) this.unsent = 0;
      else if (error.code !== 'offline') this.sendSoon((error.retry_after_ms ?? 0) + RETRY_AFTER_MS);
    }
  }

  private get hasFocus(): boolean {
    return this.chat.core.page?.hasFocus() !== false;
  }

  forget(): void {
    this.seenSeq = this.unsent = this.read = 0;
    this.newFrom = undefined;
    this.timer.stop();
  }
}
