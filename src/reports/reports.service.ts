import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Invalid, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { Clock } from '../common/timing/clock.js';
import type { EditableKindName } from '../conversations/chat-kind.js';
import type { MessagePlace } from '../conversations/message-changes.js';
import { messageGone } from '../conversations/message-gone.js';
import { fromMoment, insertRows, toMoment } from '../database/dialect.js';
import { insertId } from '../database/insert-id.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { sessionRevoked } from '../identity/access-tokens.js';
import { holdAccount } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { Sessions } from '../identity/sessions.js';
import { Publisher } from '../sockets/publisher.js';
import type { ReportMade, ReportRequest } from './dto/report.dto.js';
import { Report } from './report.entity.js';

/** Messages that are copied with the one that is reported. */
const BEFORE = 4;
/** Moderators and admins who hear of reports at once; the others see them in the list. */
const MOST_TOLD = 1_000;

interface MessageRow {
  seq: number;
  sender_id: number;
  body: string;
  created_at: string | Date;
  deleted_at: unknown;
}

/** People report messages to those who look after the server. What is done about a report is in `src/admin`. */
@Injectable()
export class ReportsService implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly limits: RateLimits,
    private readonly erasure: Erasure,
    private readonly events: DomainEvents,
    private readonly publisher: Publisher,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    // A report of somebody stays when they go: the messages stay, too. Who has reported it becomes nobody.
    this.erasure.onErase(async (tx, { id }) => {
      await tx.update(Report, { reporterId: id }, { reporterId: null, note: null });
    });
    this.events.on('reportChanged', ({ reportId }) => this.tell(reportId));
  }

  /**
   * Reports a message of a chat that the caller is in, with a copy of it and of the four before it. A repeat is answered with the first id.
   * @throws Invalid without one chat, and for a message of one's own; NotFound; `message_deleted`; RateLimited
   */
  async make(me: Identity, request: ReportRequest): Promise<ReportMade> {
    const place = placeOf(request);
    this.limits.report(me.userId);
    const { conversationId, seq } = place;
    const mine = { conversationId, seq, reporterId: me.userId };
    const id = await this.sessions.write(me, (tx) => this.store(tx, me, place, request), {
      isDone: (tx) => tx.existsBy(Report, mine),
    });
    return { id };
  }

  private async store(
    tx: EntityManager,
    { userId }: Identity,
    place: MessagePlace,
    { reason, note }: ReportRequest,
  ): Promise<number> {
    const { kind, conversationId, seq } = place;
    // Held, so that of two repeats at once the second finds the first.
    if (!(await holdAccount(tx, userId))) throw sessionRevoked();
    await assertMember(tx, userId, place);
    const existing = await tx.findOneBy(Report, { conversationId, seq, reporterId: userId });
    if (existing) return existing.id;
    const messages = await tx.query<MessageRow[]>(
      `SELECT seq, sender_id, body, created_at, deleted_at FROM messages
       WHERE conversation_id = ? AND seq BETWEEN ? AND ? ORDER BY seq`,
      [conversationId, seq - BEFORE, seq],
    );
    const reported = messages.at(-1);
    if (reported?.seq !== seq) throw new NotFound('message');
    if (reported.sender_id === userId) throw new Invalid('The message is your own.', { seq: ['is your own message'] });
    if (reported.deleted_at !== null) throw messageGone('The message was deleted.');
    const id = await insertId(tx, Report, {
      reporterId: userId,
      reportedId: reported.sender_id,
      conversationId,
      kind,
      seq,
      reason,
      note: note ?? null,
      status: 'open',
      action: null,
      createdAt: this.clock.now(),
      settledAt: null,
      settledBy: null,
    });
    const copies = messages.map((one) => [id, one.seq, one.sender_id, one.body, toMoment(fromMoment(one.created_at))]);
    await insertRows(tx, 'report_messages', 'report_id, seq, sender_id, body, created_at', copies);
    this.events.record(tx, 'reportChanged', { reportId: id });
    return id;
  }

  /** Publishes a report to all who may settle it. */
  private async tell(reportId: number): Promise<void> {
    const { read } = this.unitOfWork;
    const report = await read.findOneBy(Report, { id: reportId });
    if (!report) return;
    const staff = await read.query<{ id: number }[]>(
      `SELECT id FROM users WHERE role IN ('moderator', 'admin') AND suspended_at IS NULL LIMIT ${MOST_TOLD}`,
    );
    const { id, status, reason, createdAt } = report;
    this.publisher.report(
      { id, status, reason, created_at: createdAt.toISOString() },
      staff.map((one) => one.id),
    );
  }
}

function placeOf({ chat_room_id: roomId, chat_group_id: groupId, seq }: ReportRequest): MessagePlace {
  if ((roomId == null) === (groupId == null)) {
    const sentence = 'must be given, and only one of the two';
    const fields = { chat_room_id: [sentence], chat_group_id: [sentence] };
    throw new Invalid(`chat_room_id or chat_group_id ${sentence}.`, fields);
  }
  const kind: EditableKindName = roomId == null ? 'group' : 'room';
  return { kind, conversationId: (roomId ?? groupId)!, seq };
}

async function assertMember(tx: EntityManager, userId: number, { kind, conversationId }: MessagePlace): Promise<void> {
  const found = await tx.query<object[]>(
    `SELECT 1 FROM members m JOIN conversations c ON c.id = m.conversation_id
     WHERE m.conversation_id = ? AND m.user_id = ? AND c.kind = ?`,
    [conversationId, userId, kind],
  );
  if (found.length === 0) throw new NotFound(`chat ${kind}`);
}
