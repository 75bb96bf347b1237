import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Sessions } from '../identity/sessions.js';
import { KeyedMutex } from '../common/timing/keyed-mutex.js';
import { NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { type IsDone, UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { ChangingChat, type Difference } from './changing-chat.js';
import { type ChangeRule, ChatKinds, type EditableChatKind, type EditableKindName } from './chat-kind.js';
import { lockConversation } from './conversation-locks.js';
import { Member } from './member.entity.js';
import { MessageChange } from './message-change.entity.js';
import { type MessageRow, type MessageView, toMessageView } from './message.view.js';
import { quoteOf, quotesIn } from './quotes.js';
import { readReactions } from './reactions/reaction-rows.js';

/** The chat whose messages are to be changed. */
export interface ChatPlace {
  kind: EditableKindName;
  conversationId: number;
}

/** Which message is to be changed. */
export interface MessagePlace extends ChatPlace {
  seq: number;
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

/** How long a change waits for those before it. */
const WITHIN_MS = 4_000;

/**
 * The one way to change messages after they were stored. Whatever clients are to see of a message that changes later (its text, a reaction, a
 * pin, a preview) is a change: it takes the chat's next `change` number, so that clients ask for what they missed with `changes_after`,
 * and it is published as `messageChanged`, with the whole message as it is now. So of two states of a message, the one with the higher
 * `change` is the newer, whatever has changed.
 *
 * `inTurn` keeps the chat's order, locks the chat as the message log does, writes numbers and columns, settles a COMMIT whose answer was lost,
 * and publishes after the commit. `change` is one change of one message by one user, who needs a session that lives, to be a member, and the
 * rule of the kind.
 *
 * To add one: a service that calls one of the two, as `MessageEdits` does; its rule in `EditableChatKind`, for each kind of chat; its route in
 * `MessageRoutes`. What it stores in the message's row is a column in `Message`, in `Difference`, in `MessageRow` and its view, and in the
 * event `messageChanged`. A table of its own that may have many rows in a chat is named to `ConversationRemoval.alsoDeletes`.
 */
@Injectable()
export class MessageChanges {
  /** By conversation, for commit and publishing together: two commits may be answered in another order than they happened in. Local to a node. */
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
   *   where the session has ended; as `inTurn`
   */
  async change(me: Identity, place: MessagePlace, { may, next }: Change): Promise<MessageView> {
    const { kind, conversationId, seq } = place;
    // Users who are no members are refused before anything is locked.
    await this.assertMember(this.unitOfWork.read, me, place);
    return this.inTurn(place, async (tx, chat) => {
      await this.sessions.assertLive(tx, me);
      await this.assertMember(tx, me, place);
      const before = await chat.message(seq);
      await this.rulesOf(kind)[may](tx, { me, target: chat.target, conversationId, senderId: before.sender_id });
      const reactionsOf = await readReactions(tx, me.userId, [{ ...before, conversationId }]);
      const reactions = reactionsOf(conversationId, seq);
      const difference = await next(tx, before);
      const left = difference?.deleted_at ? [] : reactions;
      const totals = left.map(({ emoji, count }) => ({ emoji, count }));
      const after = difference ? chat.change(before, difference, { reactions: totals }) : before;
      const quotes = await quotesIn(tx, conversationId, [after]);
      return toMessageView(after, quoteOf(quotes, conversationId, after), left);
    });
  }

  /**
   * Runs `work` in a transaction that has locked the chat, in the chat's turn; resolves with its result, after the commit and after
   * `messageChanged` was published for each message that `work` has given to `ChangingChat.change`. What the lock protects (members, blocks,
   * messages, changes) stays as `work` reads it. Like all that runs in a transaction, it may run twice.
   * @param isDone as of UnitOfWork.run; without it, the changes are asked: enough where `work` writes nothing else
   * @throws NotFound where there is no such chat; what `work` throws; Busy where the changes before it take longer than four seconds; as
   *   UnitOfWork.run
   */
  inTurn<T>(
    place: ChatPlace,
    work: (tx: EntityManager, chat: ChangingChat) => Promise<T>,
    isDone?: IsDone<T>,
  ): Promise<T> {
    const { kind, conversationId } = place;
    return this.mutex.run([conversationId], async () => {
      const done = await this.unitOfWork.run(
        async (tx) => {
          const row = await lockConversation(tx, conversationId, kind);
          if (!row) throw new NotFound(`chat ${kind}`);
          const chat = new ChangingChat(tx, kind, row, await this.rulesOf(kind).targetOf(tx, conversationId));
          const result = await work(tx, chat);
          await chat.write(this.events);
          return { result, trace: chat.trace };
        },
        {
          // In the chat's turn: a repeat would find nothing to change, and the event would never be published.
          isDone: async (tx, { result, trace }) => {
            if (isDone) return isDone(tx, result);
            if (!trace) return true;
            await lockConversation(tx, conversationId);
            return tx.existsBy(MessageChange, { conversationId, ...trace });
          },
        },
      );
      return done.result;
    });
  }

  /** One kind stands for all: it is asked only about conversations of its own. */
  private rulesOf(kind: EditableKindName): EditableChatKind<EditableKindName> {
    return this.kinds.get(kind);
  }

  private async assertMember(manager: EntityManager, { userId }: Identity, place: ChatPlace): Promise<void> {
    const { kind, conversationId } = place;
    if (!(await manager.existsBy(Member, { conversationId, userId }))) throw new NotFound(`chat ${kind}`);
  }
}
