import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Sessions } from '../identity/sessions.js';
import { Clock } from '../common/timing/clock.js';
import { Busy, DomainError, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { fromMoment } from '../database/dialect.js';
import { Forgetting } from '../database/forgetting.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { MessageChanged } from '../sockets/events.js';
import { Conversation } from './conversation.entity.js';
import { lockConversation } from './conversation-locks.js';
import { Member } from './member.entity.js';
import { MessageChange } from './message-change.entity.js';
import { Message } from './message.entity.js';
import { messageColumns, type MessageRow, type MessageView, toMessageView } from './message.view.js';

/** Which message is to be changed. */
export interface MessagePlace {
  kind: 'room' | 'group';
  conversationId: number;
  seq: number;
}

/** What one kind of chat adds to a change of a message. */
export interface EditRules {
  /** May the caller, who is a member, change what `senderId` wrote? Inside the transaction, while the chat is locked. */
  authorize(tx: EntityManager, senderId: number): Promise<void>;
  /** It is committed. Called in the order of the numbers of one chat's changes. */
  tell(changed: MessageChanged): void;
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

/** Whoever waits longer for the changes before is told so, and nothing was done. */
const TURN_WITHIN_MS = 4_000;

/** Edits and deletes messages. Each takes the chat's next `change` number, so that clients can ask for what they missed. */
@Injectable()
export class MessageEdits {
  /** The last change that waits or runs, by chat. */
  private readonly turns = new Map<number, Promise<unknown>>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly forgetting: Forgetting,
    private readonly clock: Clock,
  ) {}

  /** Changes what a message says; the text that it has already changes nothing. @throws NotFound; `message_deleted`; the rules' */
  edit(me: Identity, place: MessagePlace, body: string, rules: EditRules): Promise<MessageView> {
    return this.change(me, place, rules, (message) => {
      if (message.deleted_at !== null) throw isGone();
      return message.body === body ? undefined : { body, edited_at: notBefore(message, this.clock.now()) };
    });
  }

  /** Takes a message's text away for good; a second time changes nothing. @throws NotFound; the rules' */
  remove(me: Identity, place: MessagePlace, rules: EditRules): Promise<MessageView> {
    return this.change(me, place, rules, (message) =>
      message.deleted_at === null ? { body: '', deleted_at: notBefore(message, this.clock.now()) } : undefined,
    );
  }

  /** `next` says what is different afterwards; undefined for nothing. */
  private change(
    me: Identity,
    place: MessagePlace,
    rules: EditRules,
    next: (message: MessageRow) => Difference | undefined,
  ): Promise<MessageView> {
    // In turn, and the telling with it: commits of two connections need not be heard of in their order.
    return this.inTurn(place.conversationId, async () => {
      const { message, change } = await this.unitOfWork.run(async (tx) => {
        const number = 1 + (await this.lock(tx, place));
        await this.sessions.assertLive(tx, me);
        const before = await this.find(tx, me, place);
        await rules.authorize(tx, before.sender_id);
        const difference = next(before);
        if (!difference) return { message: before };
        await this.write(tx, place, before, difference, number);
        return { message: { ...before, ...difference, change_seq: number }, change: number };
      });
      const view = toMessageView(message);
      if (change !== undefined) {
        this.forgetting.soon();
        const { client_id: _, ...changed } = view;
        rules.tell({ ...changed, change });
      }
      return view;
    });
  }

  /** Locks the chat as the message log does, and returns the number of its latest change. */
  private async lock(tx: EntityManager, { kind, conversationId }: MessagePlace): Promise<number> {
    const chat = await lockConversation(tx, conversationId, kind);
    if (!chat) throw new NotFound(`chat ${kind}`);
    return chat.last_change ?? 0;
  }

  private async find(
    tx: EntityManager,
    me: Identity,
    { kind, conversationId, seq }: MessagePlace,
  ): Promise<MessageRow> {
    if (!(await tx.existsBy(Member, { conversationId, userId: me.userId }))) throw new NotFound(`chat ${kind}`);
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

  private inTurn<T>(conversationId: number, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(conversationId) ?? Promise.resolve();
    const until = performance.now() + TURN_WITHIN_MS;
    const inTime = (): Promise<T> => {
      if (performance.now() > until) throw new Busy();
      return work();
    };
    const turn = before.then(inTime, inTime);
    this.turns.set(conversationId, turn);
    const forget = () => {
      if (this.turns.get(conversationId) === turn) this.turns.delete(conversationId);
    };
    turn.then(forget, forget);
    return turn;
  }
}
