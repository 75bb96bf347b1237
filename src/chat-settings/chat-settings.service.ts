import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Invalid, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { Clock } from '../common/timing/clock.js';
import { KeyedMutex } from '../common/timing/keyed-mutex.js';
import { lockMember } from '../conversations/conversation-locks.js';
import { History } from '../conversations/history.js';
import { DEFAULT_NOTIFY, mutedUntil, settingsColumns, type SettingsRow } from '../conversations/member-settings.js';
import { parseUntil } from '../conversations/page.dto.js';
import { toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { Erasure } from '../identity/erasure.js';
import { Sessions } from '../identity/sessions.js';
import type { ChatSettings } from '../sockets/events.js';
import { Publisher } from '../sockets/publisher.js';
import type { ChangeChatSettings } from './chat-settings.dto.js';

/** How long a change waits for those of the same user before it. */
const WITHIN_MS = 4_000;

type Values = Record<'notify' | 'muted_until', string | null> & Record<'is_favourite' | 'is_archived', number>;

/**
 * How users want to be told of their chats, and where they keep them. It decides what is sent to people who do not look, and what their
 * clients call attention to; the event `notification` and the lists are the same for everybody.
 */
@Injectable()
export class ChatSettingsService implements OnModuleInit {
  /** By user, for commit and publishing together: two commits may be answered in another order than they happened in. Local to a node. */
  private readonly mutex = new KeyedMutex<number>(WITHIN_MS);

  constructor(
    private readonly history: History,
    private readonly sessions: Sessions,
    private readonly unitOfWork: UnitOfWork,
    private readonly events: DomainEvents,
    private readonly publisher: Publisher,
    private readonly erasure: Erasure,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.events.on('chatSettingsChanged', ({ userId, ...settings }) => this.publisher.chatSettings(userId, settings));
    // The members' rows of rooms stay, for the other one.
    this.erasure.onErase(async (tx, { id }) => {
      await tx.query(
        `UPDATE members SET notify = NULL, muted_until = NULL, is_favourite = 0, is_archived = 0
         WHERE user_id = ? AND (notify IS NOT NULL OR muted_until IS NOT NULL OR is_favourite = 1 OR is_archived = 1)`,
        [id],
      );
    });
  }

  /** Changes what is given, and returns all of it. @throws Invalid without one chat, or without a change; NotFound to those who are no members */
  async change(me: Identity, request: ChangeChatSettings): Promise<ChatSettings> {
    const { chat_room_id: roomId, chat_group_id: groupId } = request;
    assertOneChat(request);
    assertSomething(request);
    const kind = roomId == null ? 'group' : 'room';
    const { id } = await this.history.assertMember(kind, (roomId ?? groupId)!, me.userId);
    const view = (values: Values): ChatSettings => ({
      ...(kind === 'room' ? { chat_room_id: id } : { chat_group_id: id }),
      notify: (values.notify ?? DEFAULT_NOTIFY[kind]) as ChatSettings['notify'],
      muted_until: mutedUntil(values, this.clock.now()),
      is_favourite: values.is_favourite === 1,
      is_archived: values.is_archived === 1,
    });
    const work = async (tx: EntityManager): Promise<Values> => {
      // In the order of the message log: first the session, then the member's row.
      await this.sessions.assertLive(tx, me);
      if (!(await lockMember(tx, id, me.userId))) throw new NotFound(`chat ${kind}`);
      const before = await this.find(tx, id, me.userId);
      const after = { ...before, ...this.changes(kind, request) };
      if (isSame(before, after)) return after;
      await tx.query(
        `UPDATE members SET notify = ?, muted_until = ?, is_favourite = ?, is_archived = ?
         WHERE conversation_id = ? AND user_id = ?`,
        [after.notify, after.muted_until, after.is_favourite, after.is_archived, id, me.userId],
      );
      this.events.record(tx, 'chatSettingsChanged', { userId: me.userId, ...view(after) });
      return after;
    };
    const isDone = async (tx: EntityManager, after: Values): Promise<boolean> => {
      const member = await lockMember(tx, id, me.userId);
      return member !== undefined && isSame(await this.find(tx, id, me.userId), after);
    };
    return this.mutex.run([me.userId], async () => view(await this.unitOfWork.run(work, { isDone })));
  }

  private async find(tx: EntityManager, conversationId: number, userId: number): Promise<Values> {
    const [row] = await tx.query<SettingsRow[]>(
      `SELECT ${settingsColumns('m')} FROM members m WHERE m.conversation_id = ? AND m.user_id = ?`,
      [conversationId, userId],
    );
    if (!row) throw new NotFound('chat');
    const muted = mutedUntil(row, this.clock.now());
    return {
      notify: row.notify,
      muted_until: muted && toMoment(new Date(muted)),
      is_favourite: Number(row.is_favourite),
      is_archived: Number(row.is_archived),
    };
  }

  /** As they are stored: null for what a membership begins with. */
  private changes(kind: 'room' | 'group', request: ChangeChatSettings): Partial<Values> {
    const { notify, muted_until, is_favourite, is_archived } = request;
    const until = muted_until == null ? null : parseUntil(muted_until)!;
    return {
      ...(notify != null && { notify: notify === DEFAULT_NOTIFY[kind] ? null : notify }),
      ...(muted_until !== undefined && { muted_until: until && until > this.clock.now() ? toMoment(until) : null }),
      ...(is_favourite != null && { is_favourite: Number(is_favourite) }),
      ...(is_archived != null && { is_archived: Number(is_archived) }),
    };
  }
}

const isSame = (one: Values, other: Values): boolean =>
  (Object.keys(one) as (keyof Values)[]).every((name) => one[name] === other[name]);

function assertOneChat({ chat_room_id: roomId, chat_group_id: groupId }: ChangeChatSettings): void {
  if ((roomId == null) !== (groupId == null)) return;
  const sentence = 'must be given, and only one of the two';
  throw new Invalid(`chat_room_id or chat_group_id ${sentence}.`, {
    chat_room_id: [sentence],
    chat_group_id: [sentence],
  });
}

function assertSomething({ notify, muted_until, is_favourite, is_archived }: ChangeChatSettings): void {
  if (notify != null || muted_until !== undefined || is_favourite != null || is_archived != null) return;
  const fields = ['notify', 'muted_until', 'is_favourite', 'is_archived'];
  throw new Invalid(
    `Send at least one of ${fields.join(', ')}.`,
    Object.fromEntries(fields.map((name) => [name, ['is missing']])),
  );
}
