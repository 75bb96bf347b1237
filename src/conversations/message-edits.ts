import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import type { Identity } from '../common/identity.js';
import { fromMoment } from '../database/dialect.js';
import { WalScrubber } from '../database/sqlite/wal-scrubber.js';
import { afterCommit } from '../database/unit-of-work.js';
import type { ChangeRule } from './chat-kind.js';
import type { ChangingChat, Difference } from './changing-chat.js';
import type { EditMessage } from './edit-message.dto.js';
import { type MentionsRequest, parseExtras, storedExtras, unlessEmpty } from './extras.js';
import { Mentions } from './mentions.js';
import { messageGone } from './message-gone.js';
import { type Change, MessageChanges, type MessagePlace } from './message-changes.js';
import { ReactionRemoval } from './reactions/reaction-removal.js';
import type { MessageRow, MessageView } from './message.view.js';

/** The time of a change is never before that of the message, or of its last change: the clock may have been set back since. */
const notBefore = ({ created_at, edited_at }: MessageRow, now: Date): Date =>
  new Date(Math.max(now.getTime(), fromMoment(edited_at ?? created_at).getTime()));

/** The extras of a message that goes on to name these of those whom it names, and nobody else. */
function withoutOthers(stored: string | null, { user_ids, everyone }: MentionsRequest): string | null {
  const extras = parseExtras(stored);
  if (!extras?.mentions && !extras?.everyone) return stored;
  const { mentions = [], everyone: isEveryone, ...rest } = extras;
  const kept = new Set(user_ids);
  return storedExtras(
    unlessEmpty({
      ...rest,
      mentions: mentions.filter((id) => kept.has(id)),
      ...(isEveryone && everyone && { everyone: true }),
    }),
  );
}

/** Edits and deletes messages. */
@Injectable()
export class MessageEdits {
  constructor(
    private readonly changes: MessageChanges,
    private readonly mentions: Mentions,
    private readonly reactions: ReactionRemoval,
    private readonly walScrubber: WalScrubber,
    private readonly clock: Clock,
  ) {}

  /**
   * Changes the text of a message, and takes back mentions; the same text and mentions change nothing.
   * @throws `message_deleted`; as `mayEdit` of the kind; as MessageChanges.change
   */
  edit(me: Identity, place: MessagePlace, { message: body, mentions }: EditMessage): Promise<MessageView> {
    return this.replaceText(me, place, 'mayEdit', (message) => {
      if (message.deleted_at !== null) throw messageGone('The message was deleted.');
      const extras = mentions ? withoutOthers(message.extras, mentions) : message.extras;
      if (message.body === body && message.extras === extras) return undefined;
      return { body, extras, edited_at: notBefore(message, this.clock.now()) };
    });
  }

  /**
   * Deletes the text of a message, and what it says beside it, for good; a second time changes nothing.
   * @throws as `mayDelete` of the kind; as MessageChanges.change
   */
  remove(me: Identity, place: MessagePlace): Promise<MessageView> {
    return this.replaceText(me, place, 'mayDelete', (message) => this.deletion(message));
  }

  /**
   * The same for those who may whatever the kind of chat says, inside their transaction (`MessageChanges.inTurn`).
   * @throws NotFound where there is no such message
   */
  async removeIn(tx: EntityManager, chat: ChangingChat, seq: number): Promise<void> {
    const message = await chat.message(seq);
    const difference = this.deletion(message);
    if (!difference) return;
    await this.forget(tx, chat.conversationId, message, difference);
    chat.change(message, difference, { reactions: [] });
  }

  private deletion(message: MessageRow): Difference | undefined {
    if (message.deleted_at !== null) return undefined;
    return { body: '', extras: null, deleted_at: notBefore(message, this.clock.now()) };
  }

  private replaceText(
    me: Identity,
    place: MessagePlace,
    may: ChangeRule,
    differenceOf: (message: MessageRow) => Difference | undefined,
  ): Promise<MessageView> {
    const next: Change['next'] = async (tx, message) => {
      const difference = differenceOf(message);
      if (difference) await this.forget(tx, place.conversationId, message, difference);
      return difference;
    };
    return this.changes.change(me, place, { may, next });
  }

  /** Deletes what goes with the text. */
  private async forget(
    tx: EntityManager,
    conversationId: number,
    message: MessageRow,
    { deleted_at, extras }: Difference,
  ): Promise<void> {
    // Only what was changed before can have reactions.
    if (deleted_at && message.change_seq !== null) await this.reactions.removeOf(tx, conversationId, message.seq);
    if (extras !== undefined && extras !== message.extras)
      await this.mentions.forget(tx, conversationId, message, parseExtras(extras));
    // The text that was there is still in SQLite's write-ahead log.
    afterCommit(tx, () => this.walScrubber.schedule());
  }
}
