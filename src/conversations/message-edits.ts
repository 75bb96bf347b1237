import { Injectable } from '@nestjs/common';
import { Clock } from '../common/timing/clock.js';
import { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { fromMoment } from '../database/dialect.js';
import { WalScrubber } from '../database/sqlite/wal-scrubber.js';
import { afterCommit } from '../database/unit-of-work.js';
import type { ChangeRule } from './chat-kind.js';
import { type Change, type Difference, MessageChanges, type MessagePlace } from './message-changes.js';
import type { MessageRow, MessageView } from './message.view.js';

/** The time of a change is never before that of the message, or of its last change: the clock may have been set back since. */
const notBefore = ({ created_at, edited_at }: MessageRow, now: Date): Date =>
  new Date(Math.max(now.getTime(), fromMoment(edited_at ?? created_at).getTime()));

const isGone = () => new DomainError('gone', 'message_deleted', 'The message was deleted. Send a new one.');

/** Edits and deletes messages. */
@Injectable()
export class MessageEdits {
  constructor(
    private readonly changes: MessageChanges,
    private readonly walScrubber: WalScrubber,
    private readonly clock: Clock,
  ) {}

  /**
   * Changes the text of a message; the same text changes nothing.
   * @throws `message_deleted`; as `mayEdit` of the kind; as MessageChanges.change
   */
  edit(me: Identity, place: MessagePlace, body: string): Promise<MessageView> {
    return this.replaceText(me, place, 'mayEdit', (message) => {
      if (message.deleted_at !== null) throw isGone();
      return message.body === body ? undefined : { body, edited_at: notBefore(message, this.clock.now()) };
    });
  }

  /** Deletes the text of a message for good; a second time changes nothing. @throws as `mayDelete` of the kind; as MessageChanges.change */
  remove(me: Identity, place: MessagePlace): Promise<MessageView> {
    return this.replaceText(me, place, 'mayDelete', (message) =>
      message.deleted_at === null ? { body: '', deleted_at: notBefore(message, this.clock.now()) } : undefined,
    );
  }

  private replaceText(
    me: Identity,
    place: MessagePlace,
    may: ChangeRule,
    differenceOf: (message: MessageRow) => Difference | undefined,
  ): Promise<MessageView> {
    const next: Change['next'] = (tx, message) => {
      const difference = differenceOf(message);
      // The text that was there is still in SQLite's write-ahead log.
      if (difference) afterCommit(tx, () => this.walScrubber.schedule());
      return difference;
    };
    return this.changes.change(me, place, { may, next });
  }
}
