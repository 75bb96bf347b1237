import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { asDomainError, Busy, DomainError, Invalid, NotFound, Unavailable } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { logLine } from '../../common/logs/log-line.js';
import { canonicalEmoji } from '../../common/text/emoji.js';
import { Clock } from '../../common/timing/clock.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { ReactedTo } from '../../sockets/events.js';
import { ChatKinds, type EditableChatKind, type EditableKindName } from '../chat-kind.js';
import { History } from '../history.js';
import { type ChatPlace, MessageChanges, type MessagePlace } from '../message-changes.js';
import {
  PEOPLE_LIMIT,
  type ReactionPeople,
  type ReactionsQuery,
  type ReactionsView,
  type ReactPayload,
} from './react.dto.js';
import { membersAmong, ReactionBatch, type ReactionRequest } from './reaction-batch.js';

/** Between the beginnings of two transactions of one chat: what comes meanwhile shares the second one. */
const GATHER_MS = 100;
/** Requests of one transaction: a few dozen milliseconds, for which the chat's messages wait. */
const BATCH = 500;
/** Requests that may wait: for one chat, and for all of them. */
const MAX_WAITING_OF_CHAT = 2_000;
const MAX_WAITING = 10_000;
/** How long a request waits for its answer, whatever hangs. It may be stored all the same. */
const ANSWERED_AFTER_MS = 9_000;
/** How often that is checked. */
const SWEEP_MS = 250;

interface Waiting extends ReactionRequest {
  since: number;
  resolve: (view: ReactionsView) => void;
  reject: (error: unknown) => void;
}

interface Queue {
  place: ChatPlace;
  waiting: Waiting[];
  /** In a transaction. */
  inFlight: Waiting[];
  draining: Promise<void>;
}

/** Payloads are checked before: a text that is no emoji is a mistake of ours. */
function oneEmoji(spelled: string): string {
  const emoji = canonicalEmoji(spelled);
  if (emoji === undefined) throw new Error(`${JSON.stringify(spelled)} is no emoji.`);
  return emoji;
}

/** By kind as well: whoever takes a room for a group must not be in the way of those who do not. */
const keyOf = ({ kind, conversationId }: ChatPlace): string => `${kind} ${conversationId}`;

/**
 * Reactions to messages. A message that everybody reacts to at once must not hold its chat's lock: the requests for one chat gather while
 * the transaction before commits, at least 100 ms long, and share the next one, with one change for each message. A single reaction is stored
 * at once. What waits is local to this node, and bounded; where the process ends, nobody was told that it is stored.
 */
@Injectable()
export class Reactions implements BeforeApplicationShutdown {
  private readonly logger = new CalmLogger(Reactions.name);
  private readonly queues = new Map<string, Queue>();
  private waiting = 0;
  private sweeper: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    private readonly changes: MessageChanges,
    private readonly kinds: ChatKinds,
    private readonly history: History,
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  /**
   * Sets a reaction of the caller's, or takes it back; where it is so already, nothing changes. The emoji may be spelled in any way. Resolves after the commit, and after
   * `messageChanged` was published, within ten seconds.
   * @throws NotFound where there is no such chat or message, and to users who are no members; `message_deleted`; `too_many_reactions`;
   *   `blocked`; Unauthenticated where the session has ended; Busy; Unavailable
   */
  set(
    me: Identity,
    { kind, conversationId, seq }: MessagePlace,
    spelled: string,
    isOn: boolean,
  ): Promise<ReactionsView> {
    const emoji = oneEmoji(spelled);
    if (this.isStopping) return Promise.reject(new Unavailable('The server is shutting down. Try again in a moment.'));
    const place = { kind, conversationId };
    const queue = this.queues.get(keyOf(place));
    if (this.waiting >= MAX_WAITING || (queue?.waiting.length ?? 0) >= MAX_WAITING_OF_CHAT)
      return Promise.reject(new Busy());
    return new Promise((resolve, reject) => {
      const one: Waiting = { me, seq, emoji, isOn, since: performance.now(), resolve, reject };
      this.waiting++;
      this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS);
      if (queue) queue.waiting.push(one);
      else this.open(place, one);
    });
  }

  /** The same by the fields of a payload. @throws Invalid without one chat; as `set` */
  async react(me: Identity, payload: ReactPayload): Promise<ReactedTo> {
    const { chat_room_id: roomId, chat_group_id: groupId, seq, emoji, is_on: isOn } = payload;
    if ((roomId == null) === (groupId == null)) {
      const sentence = 'must be given, and only one of the two';
      const fields = { chat_room_id: [sentence], chat_group_id: [sentence] };
      throw new Invalid(`chat_room_id or chat_group_id ${sentence}.`, fields);
    }
    const kind: EditableKindName = roomId == null ? 'group' : 'room';
    const conversationId = (roomId ?? groupId)!;
    const view = await this.set(me, { kind, conversationId, seq }, emoji, isOn);
    return {
      ok: true,
      ...(kind === 'room' ? { chat_room_id: conversationId } : { chat_group_id: conversationId }),
      ...view,
    };
  }

  /** Who has reacted to a message with one emoji, a page at a time. @throws NotFound; `message_deleted` */
  async people(me: Identity, place: MessagePlace, query: ReactionsQuery): Promise<ReactionPeople> {
    const { after } = query;
    const emoji = oneEmoji(query.emoji);
    const { kind, conversationId, seq } = place;
    const chat = await this.history.assertMember(kind, conversationId, me.userId);
    const [message] = await this.history.page(chat, { before: seq + 1, limit: 1 }, me.userId);
    if (message?.seq !== seq) throw new NotFound('message');
    if (message.deleted) throw new DomainError('gone', 'message_deleted', 'The message was deleted.');
    const rows = await this.unitOfWork.read.query<{ user_id: number }[]>(
      `SELECT user_id FROM reactions WHERE conversation_id = ? AND seq = ? AND emoji = ? AND user_id > ?
       ORDER BY user_id LIMIT ${PEOPLE_LIMIT}`,
      [conversationId, seq, emoji, after ?? 0],
    );
    const count = message.reactions?.find((one) => one.emoji === emoji)?.count ?? 0;
    return { emoji, count, user_ids: rows.map((row) => row.user_id) };
  }

  /** Stores what waits; nothing is taken any more. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await Promise.all([...this.queues.values()].map(({ draining }) => draining));
  }

  private open(place: ChatPlace, first: Waiting): void {
    const queue: Queue = { place, waiting: [first], inFlight: [], draining: Promise.resolve() };
    this.queues.set(keyOf(place), queue);
    queue.draining = this.drain(queue);
  }

  private async drain(queue: Queue): Promise<void> {
    // What has arrived on other sockets by now shares the first transaction.
    await new Promise(setImmediate);
    while (queue.waiting.length > 0) {
      const began = performance.now();
      queue.inFlight = queue.waiting.splice(0, BATCH);
      await this.store(queue);
      queue.inFlight = [];
      const pause = began + GATHER_MS - performance.now();
      if (pause > 0 && !this.isStopping) await sleep(pause);
    }
    // In the turn of the event loop that saw the queue empty: a request that comes later opens another one.
    this.queues.delete(keyOf(queue.place));
  }

  private async store({ place, inFlight }: Queue): Promise<void> {
    // Nothing is locked for users who are no members.
    try {
      const userIds = inFlight.map(({ me }) => me.userId);
      const members = await membersAmong(this.unitOfWork.read, place.conversationId, userIds);
      const batch = inFlight.filter(({ me }) => members.has(me.userId));
      for (const one of inFlight) if (!members.has(one.me.userId)) this.settle(one, new NotFound(`chat ${place.kind}`));
      if (batch.length === 0) return;
      const results = await this.changes.inTurn(place, async (tx, chat) => {
        // One kind stands for all: it is asked only about conversations of its own.
        const rules: EditableChatKind<EditableKindName> = this.kinds.get(place.kind);
        await rules.mayReact?.(tx, chat.target);
        return new ReactionBatch(tx, chat, this.clock.now()).apply(batch);
      });
      for (const [i, one] of batch.entries()) this.settle(one, results[i]!);
    } catch (error) {
      // Nothing of it is stored, or it is not known. Setting a reaction again does no harm, so clients try again, and the server need not.
      if (!asDomainError(error)) this.logger.error(`Reactions could not be stored: ${logLine(error)}`);
      for (const one of inFlight) this.settle(one, error);
    }
  }

  /** Answers a request, once. */
  private settle(one: Waiting, result: unknown): void {
    if (!this.isOpen(one)) return;
    one.since = Infinity;
    this.waiting--;
    if (this.waiting === 0) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
    if (result instanceof Error) one.reject(result);
    else one.resolve(result as ReactionsView);
  }

  private isOpen({ since }: Waiting): boolean {
    return since !== Infinity;
  }

  private sweep(): void {
    const due = performance.now() - ANSWERED_AFTER_MS;
    for (const queue of this.queues.values()) {
      for (const one of [...queue.inFlight, ...queue.waiting])
        if (one.since <= due) this.settle(one, new Unavailable());
      queue.waiting = queue.waiting.filter((one) => this.isOpen(one));
    }
  }
}
