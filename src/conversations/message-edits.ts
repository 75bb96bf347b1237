import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Sessions } from '../identity/sessions.js';
import { Clock } from '../common/timing/clock.js';
import { KeyedMutex } from '../common/timing/keyed-mutex.js';
import { DomainError, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { fromMoment } from '../database/dialect.js';
import { WalScrubber } from '../database/sqlite/wal-scrubber.js';
import { afterCommit, CommitUnknown, UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { MessageChanged } from '../domain-events/events.js';
import { ChatKinds, type EditableChatKind, type EditableKindName } from './chat-kind.js';
import { Conversation } from './conversation.entity.js';
import { lockConversation } from './conversation-locks.js';
import { Member } from './member.entity.js';
import { MessageChange } from './message-change.entity.js';
import { Message } from './message.entity.js';
import { messageColumns, type MessageRow, type MessageView, toMessageView } from './message.view.js';

/** Which message is to be changed. */
export interface MessagePlace {
  kind: EditableKindName;
  conversationId: number;
  seq: number;
}

/** What is different in a message's row afterwards. */
interface Difference {
  body: string;
  edited_at?: Date;
  deleted_at?: Date;
}

/** No message is changed before it was written, or last changed: the clock may have been set back since. */
const notBefore = ({ created_at, edited_at }: MessageRow, now: Date): Date =>
  new Date(Math.max(now.getTime(), fromMoment(edited_at ?? created_at).getTime()));

const isGone = () => new DomainError('gone', 'message_deleted', 'The message was deleted. Send a new one.');

/** How long the rows are asked what became of a change whose COMMIT was not answered. */
const LOOK_UP_FOR_MS = 4_000;
/** How long a change waits for the ones before it. */
const WITHIN_MS = 4_000;

/** Edits and deletes messages. Each takes the chat's next `change` number, so that clients can ask for what they missed. */
@Injectable()
export class MessageEdits {
  /** By conversation, over commit and publishing: two commits need not be answered in their order. */
  private readonly mutex = new KeyedMutex<number>(WITHIN_MS);

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly kinds: ChatKinds,
    private readonly events: DomainEvents,
    private readonly walScrubber: WalScrubber,
    private readonly clock: Clock,
  ) {}

  /**
   * Changes what a message says; the text that it has already changes nothing.
   * @throws NotFound to those who are no members; `message_deleted`; as `mayEdit` of the kind
   */
  edit(me: Identity, place: MessagePlace, body: string): Promise<MessageView> {
    return this.change(me, place, 'mayEdit', (message) => {
      if (message.deleted_at !== null) throw isGone();
      return message.body === body ? undefined : { body, edited_at: notBefore(message, this.clock.now()) };
    });
  }

  /** Takes a message's text away for good; a second time changes nothing. @throws NotFound; as `mayDelete` of the kind */
  remove(me: Identity, place: MessagePlace): Promise<MessageView> {
    return this.change(me, place, 'mayDelete', (message) =>
      message.deleted_at === null ? { body: '', deleted_at: notBefore(message, this.clock.now()) } : undefined,
    );
  }

  /** `next` says what is different afterwards; undefined for nothing. */
  private async change(
    me: Identity,
    place: MessagePlace,
    may: 'mayEdit' | 'mayDelete',
    next: (message: MessageRow) => Difference | undefined,
  ): Promise<MessageView> {
    const { kind, conversationId } = place;
    // Strangers are refused before anything is locked.
    await this.assertMember(this.unitOfWork.read, me, place);
    return this.mutex.run([conversationId], async () => {
      // Of the last try.
      let changed: { view: MessageView; change: number } | undefined;
      try {
        return await this.unitOfWork.run(async (tx) => {
          changed = undefined;
          const change = 1 + (await this.lock(tx, place));
          await this.sessions.assertLive(tx, me);
          await this.assertMember(tx, me, place);
          const before = await this.find(tx, place);
          // One kind is as good as another here: what it is asked about is its own.
          const rules = this.kinds.get(kind) as EditableChatKind<EditableKindName>;
          const target = await rules.targetOf(tx, conversationId);
          await rules[may](tx, { me, target, conversationId, senderId: before.sender_id });
          const difference = next(before);
          if (!difference) return toMessageView(before);
          await this.write(tx, place, before, difference, change);
          const message = { ...before, ...difference, change_seq: change };
          this.events.record(tx, 'messageChanged', toEvent(kind, target, conversationId, message));
          afterCommit(tx, () => this.walScrubber.schedule());
          changed = { view: toMessageView(message), change };
          return changed.view;
        });
      } catch (error) {
        if (changed && error instanceof CommitUnknown && (await this.isStored(error, place, changed.change)))
          return changed.view;
        throw error;
      }
    });
  }

  /** In the chat's turn: a repeat would find nothing to change, and the others would never be told of it. */
  private async isStored(unknown: CommitUnknown, { conversationId, seq }: MessagePlace, change: number) {
    const until = performance.now() + LOOK_UP_FOR_MS;
    const isDone = async (tx: EntityManager): Promise<boolean> => {
      // The server may still be committing: its locks are gone only when it has decided.
      await lockConversation(tx, conversationId);
      return tx.existsBy(MessageChange, { conversationId, change, seq });
    };
    return this.unitOfWork.settle(unknown, isDone, () => performance.now() < until);
  }

  /** Locks the chat as the message log does, and returns the number of its latest change. */
  private async lock(tx: EntityManager, { kind, conversationId }: MessagePlace): Promise<number> {
    const chat = await lockConversation(tx, conversationId, kind);
    if (!chat) throw new NotFound(`chat ${kind}`);
    return chat.last_change ?? 0;
  }

  private async assertMember(
    manager: EntityManager,
    { userId }: Identity,
    { kind, conversationId }: MessagePlace,
  ): Promise<void> {
    if (!(await manager.existsBy(Member, { conversationId, userId }))) throw new NotFound(`chat ${kind}`);
  }

  private async find(tx: EntityManager, { conversationId, seq }: MessagePlace): Promise<MessageRow> {
    const [message] = await tx.query<MessageRow[]>(
      `SELECT ${messageColumns('messages')} FROM messages WHERE conversation_id = ? AND seq = ?`,
      [conversationId, seq],
    );
    if (!message) throw new NotFound('message');
    return message;
  }

  private async write(
    tx: EntityManager,
    { conversationId, seq }: MessagePlace,
    { change_seq: overtaken }: MessageRow,
    { body, edited_at: editedAt, deleted_at: deletedAt }: Difference,
    change: number,
  ): Promise<void> {
    await tx.update(
      Message,
      { conversationId, seq },
      { body, change, ...(editedAt && { editedAt }), ...(deletedAt && { deletedAt }) },
    );
    // Whoever asks what changed needs the message once, as it is now.
    if (overtaken !== null) await tx.delete(MessageChange, { conversationId, change: overtaken });
    await tx.insert(MessageChange, { conversationId, change, seq });
    await tx.update(Conversation, { id: conversationId }, { lastChange: change });
  }
}

const toEvent = (
  kind: EditableKindName,
  target: unknown,
  conversationId: number,
  row: MessageRow & { change_seq: number },
): MessageChanged =>
  ({
    kind,
    target,
    conversationId,
    change: row.change_seq,
    seq: row.seq,
    senderId: row.sender_id,
    body: row.body,
    createdAt: fromMoment(row.created_at),
    editedAt: row.edited_at === null ? null : fromMoment(row.edited_at),
    deletedAt: row.deleted_at === null ? null : fromMoment(row.deleted_at),
  }) as MessageChanged;
