import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Sessions } from '../identity/sessions.js';
import { KeyedMutex } from '../common/timing/keyed-mutex.js';
import { NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { fromMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { MessageChanged } from '../domain-events/events.js';
import { type ChangeRule, ChatKinds, type EditableChatKind, type EditableKindName } from './chat-kind.js';
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

/** The columns of a message's row that change. */
export interface Difference {
  body?: string;
  edited_at?: Date;
  deleted_at?: Date;
}

/** One change of one message. */
export interface Change {
  /** The rule of the kind of chat that decides whether the user may. */
  may: ChangeRule;
  /**
   * Decides what changes, and may refuse. Called inside the transaction, with the message as it is, after `may` has allowed it. Rows of
   * other tables that belong to the change are written here. Like all that runs in a transaction, it may run twice.
   * @returns the columns that change, which may be none; undefined where nothing changes: then the change takes no number, and nobody is told
   */
  next: (tx: EntityManager, message: MessageRow) => Difference | undefined | Promise<Difference | undefined>;
}

/** The message as it is now; `change` is the number of the change, and missing where nothing changed. */
interface Changed {
  view: MessageView;
  change?: number;
}

/** How long a change waits for those before it. */
const WITHIN_MS = 4_000;

/**
 * The one way to change a message after it was stored. Whatever clients are to see of a message that changes later (its text today; a pin, a
 * reaction, a preview) is a change: it takes the chat's next `change` number, so that clients ask for what they missed with `changes_after`,
 * and it is published as `messageChanged`, with the whole message as it is now.
 *
 * For each change, this keeps the chat's order, locks the chat as the message log does, checks session, membership and the rule of the kind,
 * writes number and columns, settles a COMMIT whose answer was lost, and publishes after the commit.
 *
 * To add one: a service that calls `change`, as `MessageEdits` does; its rule in `EditableChatKind`, for each kind of chat; its route in
 * `MessageRoutes`. What it stores in the message's row is a column in `Message`, in `Difference`, in `MessageRow` and its view, and in the
 * event `messageChanged`. A table of its own that may have many rows in a chat is named to `ConversationRemoval.alsoDeletes`.
 */
@Injectable()
export class MessageChanges {
  /** By conversation, for commit and publishing together: two commits may be answered in another order than they happened in. */
  private readonly mutex = new KeyedMutex<number>(WITHIN_MS);

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly kinds: ChatKinds,
    private readonly events: DomainEvents,
  ) {}

  /**
   * Makes one change; resolves with the message as it is then, after the commit and after `messageChanged` was published.
   * @throws NotFound where there is no such chat or message, and to users who are no members; what `may` and `next` throw; Unauthenticated
   *   where the session has ended; Busy where the changes before it take longer than four seconds; as UnitOfWork.run
   */
  async change(me: Identity, place: MessagePlace, { may, next }: Change): Promise<MessageView> {
    const { kind, conversationId } = place;
    // Users who are no members are refused before anything is locked.
    await this.assertMember(this.unitOfWork.read, me, place);
    return this.mutex.run([conversationId], async () => {
      // In the chat's turn: a repeat would find nothing to change, and the event would never be published.
      const isDone = (tx: EntityManager, { change }: Changed) => this.isStored(tx, place, change);
      const { view } = await this.unitOfWork.run<Changed>(
        async (tx) => {
          const change = 1 + (await this.lock(tx, place));
          await this.sessions.assertLive(tx, me);
          await this.assertMember(tx, me, place);
          const before = await this.find(tx, place);
          // The cast takes one kind for all: it is asked only about conversations of its own.
          const rules = this.kinds.get(kind) as EditableChatKind<EditableKindName>;
          const target = await rules.targetOf(tx, conversationId);
          await rules[may](tx, { me, target, conversationId, senderId: before.sender_id });
          const difference = await next(tx, before);
          if (!difference) return { view: toMessageView(before) };
          await this.write(tx, place, before, difference, change);
          const message = { ...before, ...difference, change_seq: change };
          this.events.record(tx, 'messageChanged', toEvent(kind, target, conversationId, message));
          return { view: toMessageView(message), change };
        },
        { isDone },
      );
      return view;
    });
  }

  private async isStored(tx: EntityManager, { conversationId, seq }: MessagePlace, change?: number): Promise<boolean> {
    if (change === undefined) return true;
    await lockConversation(tx, conversationId);
    return tx.existsBy(MessageChange, { conversationId, change, seq });
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
      { ...(body !== undefined && { body }), change, ...(editedAt && { editedAt }), ...(deletedAt && { deletedAt }) },
    );
    // `changes_after` shows each message once, as it is now.
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
