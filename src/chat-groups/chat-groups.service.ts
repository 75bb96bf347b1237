import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { sessionRevoked } from '../identity/access-tokens.js';
import { holdAccount } from '../identity/accounts.js';
import { Sessions } from '../identity/sessions.js';
import { Clock } from '../common/timing/clock.js';
import { Forbidden, Invalid, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { toStoredFields } from '../conversations/draft.js';
import { toExtras, toIgnoredFields } from '../conversations/extras.js';
import { listedSettings, settingsColumns, type SettingsRow } from '../conversations/member-settings.js';
import { UNREAD_MENTIONS, unreadMentionsField } from '../conversations/mentions.js';
import { History } from '../conversations/history.js';
import {
  messageColumns,
  toExtraFields,
  type MessageRow,
  type MessageView,
  toMessageUpdate,
  toReactionsChanged,
} from '../conversations/message.view.js';
import { MessageLog } from '../conversations/message-log.js';
import { hasCursor, type PageQuery } from '../conversations/page.dto.js';
import { readViews, type ViewOf } from '../conversations/message-views.js';
import { liveMark, unreadCount } from '../conversations/read-marks.js';
import { Receipts } from '../conversations/receipts.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { MessageStored } from '../domain-events/events.js';
import { fromMoment, insertRows, toMoment } from '../database/dialect.js';
import { insertId } from '../database/insert-id.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { Accepted, Entered, Stored } from '../sockets/events.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { Typing } from '../people/typing.js';
import { WhoIsIn } from '../people/who-is-in.js';
import { ChatGroup } from './chat-group.entity.js';
import type { ChangeGroup, ChatGroupView, CreateGroup } from './dto/group.dto.js';
import type { GroupTypingMessage, SendGroupMessage } from './dto/group-message.dto.js';
import { GroupAttendance } from './attendance/group-attendance.js';
import { waitAfterRefusal } from './membership/access-requests.service.js';
import { GroupMembership } from './membership/group-membership.js';
import { GroupNotifications } from './attendance/group-notifications.js';
import { GroupQuotas } from './membership/group-quotas.js';
import { UserMutex } from './attendance/user-mutex.js';

interface GroupRow extends Omit<MessageRow, 'seq'>, SettingsRow {
  /** null, as the rest of its columns, where there is no message. */
  seq: number | null;
  id: number;
  name: string;
  owner_id: number;
  is_private: number;
  is_frozen: number;
  member_count: number;
  last_seq: number;
  last_change: number | null;
  member_id: number | null;
  is_in: number | null;
  last_read_seq: number | null;
  unread_mentions: number | string;
  removed_id: number | null;
  asker_id: number | null;
  refused_at: string | Date | null;
}

@Injectable()
export class ChatGroupsService implements OnModuleInit {
  constructor(
    private readonly log: MessageLog,
    private readonly history: History,
    private readonly membership: GroupMembership,
    private readonly attendance: GroupAttendance,
    private readonly notifications: GroupNotifications,
    private readonly events: DomainEvents,
    private readonly receipts: Receipts,
    private readonly typings: Typing,
    private readonly quotas: GroupQuotas,
    private readonly whoIsIn: WhoIsIn,
    private readonly userMutex: UserMutex,
    private readonly sessions: Sessions,
    private readonly limits: RateLimits,
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.events.on('messageStored', (event) => {
      if (event.kind === 'group') this.stored(event);
    });
    this.events.on('messageChanged', (event) => {
      if (event.kind !== 'group') return;
      const place = { chat_type: 'group', chat_group_id: event.target } as const;
      if (event.reacted) {
        for (const some of toReactionsChanged(event)) this.publisher.messageReactions({ ...place, ...some });
        return;
      }
      const update = toMessageUpdate(event);
      this.publisher.messageUpdate({ ...place, ...update });
      this.notifications.changed(event.target, update);
    });
  }

  /** All groups in the order of their ids. Of private groups, those outside see name and owner alone; so do those removed of any group. */
  async list(me: Identity, cursor?: string): Promise<Page<ChatGroupView>> {
    const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
    const page = toPage(await this.rows(me, 'g.conversation_id > ?', after), ({ id }) => [id]);
    return { ...page, rows: await this.views(me, page.rows) };
  }

  /** The caller becomes owner and member. @throws Forbidden where `author_id` is another user's; `quota_exceeded` */
  async create(me: Identity, { chat_group_name: name, author_id, is_private }: CreateGroup): Promise<ChatGroupView> {
    if (author_id != null && author_id !== me.userId) throw new Forbidden('author_id is not your own. Leave it out.');
    const groupId = await this.userMutex.run([me.userId], () =>
      this.sessions.write(me, (tx) => this.make(tx, me, name, is_private ?? false), {
        isDone: (tx, conversationId) => tx.existsBy(ChatGroup, { conversationId, ownerId: me.userId }),
      }),
    );
    return this.view(me, groupId);
  }

  /**
   * Renames a group, or hands it over to another member, or both at once.
   * @throws NotFound to those outside, or where the new owner is no member; Forbidden to members who are not the owner; `group_frozen`;
   * `blocked` where the new owner has blocked the caller; `quota_exceeded` where they own as many groups as there may be
   */
  async update(me: Identity, groupId: number, request: ChangeGroup): Promise<ChatGroupView> {
    const { chat_group_name: name, owner_id: ownerId } = request;
    if (name == null && ownerId == null) {
      const fields = { chat_group_name: ['is missing'], owner_id: ['is missing'] };
      throw new Invalid('Send chat_group_name, owner_id, or both.', fields);
    }
    const changes = { ...(name != null && { name }), ...(ownerId != null && { ownerId }) };
    // In the turns of those who are notified, so that they are notified of two changes in their order.
    await this.userMutex.run(ownerId == null ? [] : [me.userId, ownerId], () =>
      this.sessions.write(
        me,
        async (tx) => {
          const group = await this.membership.lockAsOwner(tx, me, groupId);
          if (ownerId != null) await this.membership.handOver(tx, group, ownerId, me);
          if (name != null) await tx.update(ChatGroup, { conversationId: groupId }, { name });
          this.events.record(tx, 'groupChanged', { groupId });
        },
        { isDone: (tx) => tx.existsBy(ChatGroup, { conversationId: groupId, ...changes }) },
      ),
    );
    return this.view(me, groupId);
  }

  /** A page of messages. The newest page enters the group; the others are for members. @throws NotFound; RateLimited; `quota_exceeded` */
  async messages(me: Identity, groupId: number, page: PageQuery): Promise<readonly MessageView[]> {
    if (hasCursor(page)) return this.history.pageFor(me.userId, 'group', groupId, page);
    // The guard has counted it as a read. Where the caller is not in yet, or has something unread, it is a write as well.
    const group = await this.attendance.enter(me, groupId, () => this.limits.write(me.userId));
    return this.history.page(group, page, me.userId);
  }

  /** Enters or leaves. @throws NotFound */
  async attend(me: Identity, groupId: number, isEnter: boolean): Promise<Entered> {
    if (isEnter) await this.attendance.enter(me, groupId);
    else await this.attendance.leave(me, groupId);
    return { ok: true, chat_group_id: groupId, is_in: isEnter };
  }

  /** Stores a message. @throws NotFound where the caller is no member; as for rooms */
  async send(me: Identity, request: SendGroupMessage): Promise<Stored> {
    const { chat_group_id: target, message: body } = request;
    const clientId = request.client_id ?? undefined;
    // Nothing is awaited before this line: two messages of one socket enter the queue in the order in which they came.
    const stored = await this.log.append({
      kind: 'group',
      sender: me,
      target,
      body,
      clientId,
      extras: toExtras(request),
    });
    return { ok: true, chat_group_id: target, ...toStoredFields(stored, clientId), ...toIgnoredFields(stored.ignored) };
  }

  /** Publishes a message to everybody who is in, and notifies the members outside. */
  private stored(event: Extract<MessageStored, { kind: 'group' }>): void {
    const { target: groupId, seq, body: message, extras, quote, notified = [] } = event;
    const { userId } = event.sender;
    const fields = toStoredFields(event, event.clientId);
    this.whoIsIn.published(groupId, seq);
    this.publisher.groupMessage({
      chat_type: 'group',
      user_id: userId,
      chat_group_id: groupId,
      ...fields,
      message,
      ...(extras && toExtraFields(extras, quote)),
    });
    this.notifications.stored({
      chat_type: 'group',
      chat_group_id: groupId,
      last_seq: seq,
      user_id: userId,
      message,
      timestamp: fields.timestamp,
      ...(quote && { reply_to: quote }),
      ...(notified.length > 0 && { mentions: [...notified] }),
      ...(extras?.everyone && { everyone: true }),
    });
    this.moved(userId, groupId, seq);
  }

  /** Passes on to the others who are in that the caller types. @throws NotFound where the caller is not in it */
  async typing(me: Identity, { chat_group_id: groupId }: GroupTypingMessage): Promise<Accepted> {
    await this.typings.inGroup(me.userId, groupId, () => {
      if (!this.whoIsIn.has(me.userId, groupId)) throw new NotFound('chat group');
    });
    return { ok: true };
  }

  /** Sending moves the sender's mark. Clients that get the message know that by itself: those of members who are in, and of no others. */
  private moved(userId: number, groupId: number, seq: number): void {
    if (this.whoIsIn.has(userId, groupId)) this.receipts.recordImplied(groupId, userId, seq);
    else this.receipts.moved({ conversationId: groupId, userId, lastSeq: seq, lastReadSeq: seq, isKnown: true });
  }

  private async make(tx: EntityManager, { userId }: Identity, name: string, isPrivate: boolean): Promise<number> {
    if (!(await holdAccount(tx, userId))) throw sessionRevoked();
    await this.quotas.assertMayJoin(tx, userId);
    await this.quotas.assertMayOwn(tx, userId);
    const now = this.clock.now();
    const conversation = { kind: 'group' as const, lastSeq: 0, lastMessageAt: null, createdAt: now };
    const conversationId = await insertId(tx, Conversation, conversation);
    await tx.insert(ChatGroup, { conversationId, name, ownerId: userId, isPrivate, memberCount: 1 });
    await insertRows(tx, 'members', 'conversation_id, user_id, last_read_seq, joined_at', [
      [conversationId, userId, 0, toMoment(now)],
    ]);
    this.events.record(tx, 'memberJoined', { groupId: conversationId, userId, lastSeq: 0, isIn: false });
    return conversationId;
  }

  private async view(me: Identity, groupId: number): Promise<ChatGroupView> {
    const [view] = await this.views(me, await this.rows(me, 'g.conversation_id = ?', groupId));
    if (!view) throw new NotFound('chat group');
    return view;
  }

  private async views(me: Identity, rows: GroupRow[]): Promise<ChatGroupView[]> {
    const last = rows.filter((row) => !isHidden(row)).filter(hasMessage);
    const viewOf = await readViews(
      this.unitOfWork.read,
      me.userId,
      last.map((row) => [row.id, row]),
    );
    return rows.map((row) => this.toView(me, row, viewOf));
  }

  private rows(me: Identity, condition: string, value: number): Promise<GroupRow[]> {
    return this.unitOfWork.read.query<GroupRow[]>(
      `SELECT c.id, g.name, g.owner_id, g.is_private, g.is_frozen, g.member_count, c.last_seq, c.last_change,
              mine.user_id AS member_id, mine.is_in, mine.last_read_seq, ${UNREAD_MENTIONS} AS unread_mentions, ${settingsColumns('mine')}, gone.user_id AS removed_id,
              asked.user_id AS asker_id, asked.refused_at, ${messageColumns('m')}
       FROM chat_groups g
       JOIN conversations c ON c.id = g.conversation_id
       LEFT JOIN members mine ON mine.conversation_id = g.conversation_id AND mine.user_id = ?
       LEFT JOIN group_removals gone ON gone.conversation_id = g.conversation_id AND gone.user_id = ?
       LEFT JOIN access_requests asked ON asked.conversation_id = g.conversation_id AND asked.user_id = ?
       LEFT JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
       WHERE ${condition}
       ORDER BY g.conversation_id LIMIT ${LIST_LIMIT + 1}`,
      [me.userId, me.userId, me.userId, value],
    );
  }

  private toView(me: Identity, row: GroupRow, viewOf: ViewOf): ChatGroupView {
    const isMember = row.member_id !== null;
    const hidden = isHidden(row);
    const isIn = Boolean(row.is_in);
    const lastSeq = hidden ? 0 : row.last_seq;
    const isWatching = isIn && this.presence.isConnectedAnywhere(me.userId);
    const mark = liveMark({ lastSeq, lastReadSeq: row.last_read_seq ?? 0 }, isWatching);
    return {
      id: row.id,
      name: row.name,
      owner_id: row.owner_id,
      is_private: Boolean(row.is_private),
      ...(Boolean(row.is_frozen) && !hidden && { is_frozen: true as const }),
      is_member: isMember,
      is_in: isIn,
      my_request: isMember ? null : this.requestOf(row),
      member_count: hidden ? null : row.member_count,
      last_message: hidden || !hasMessage(row) ? null : viewOf(row.id, row),
      last_seq: lastSeq,
      last_change: hidden ? 0 : (row.last_change ?? 0),
      last_read_seq: mark.lastReadSeq,
      unread_count: isMember ? unreadCount(mark) : 0,
      ...unreadMentionsField(isWatching ? 0 : row.unread_mentions),
      ...listedSettings(row, this.clock.now()),
    };
  }

  /** A refusal counts for as long as asking again would be refused by itself. */
  private requestOf({ asker_id, refused_at }: GroupRow): ChatGroupView['my_request'] {
    if (asker_id === null) return null;
    if (refused_at === null) return 'pending';
    return waitAfterRefusal(fromMoment(refused_at), this.clock.now()) > 0 ? 'refused' : null;
  }
}

/** The caller sees no more of it than that it is there. */
const isHidden = ({ member_id, is_private, removed_id }: GroupRow): boolean =>
  member_id === null && (Boolean(is_private) || removed_id !== null);

const hasMessage = (row: GroupRow): row is GroupRow & MessageRow => row.seq !== null;
