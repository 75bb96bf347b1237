import { Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { DomainError, Forbidden, Invalid, NotFound } from '../common/errors.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { Clock } from '../common/timing/clock.js';
import { MessageChanges } from '../conversations/message-changes.js';
import { MessageEdits } from '../conversations/message-edits.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { type Act, AuditLog } from '../identity/audit/audit-log.js';
import type { Actor } from '../identity/roles.js';
import type { ReportAction } from '../reports/dto/report.dto.js';
import { Report, ReportMessage } from '../reports/report.entity.js';
import { Acts, endedInvites } from './acts.js';
import type {
  AdminReportsQuery,
  AdminReportView,
  OpenedReport,
  SettledReport,
  SettleReport,
} from './dto/admin-reports.dto.js';
import { isSelf, lockAccount, Suspension } from './suspension.js';

const targetOf = (reportId: number): string => `report ${reportId}`;

const alreadySettled = () =>
  new DomainError('conflict', 'already_settled', 'This report was settled already, in another way. Look at it again.');

/** What moderators and admins do about reports: the one door to what is said in chats. */
@Injectable()
export class AdminReportsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly acts: Acts,
    private readonly audit: AuditLog,
    private readonly suspension: Suspension,
    private readonly changes: MessageChanges,
    private readonly edits: MessageEdits,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {}

  /** Newest first, without what was said. */
  async list({ status, cursor }: AdminReportsQuery): Promise<Page<AdminReportView>> {
    const [before] = readCursor(cursor, ['number']) ?? [];
    const rows = await this.unitOfWork.read.find(Report, {
      where: { ...(status != null && { status }), ...(before !== undefined && { id: LessThan(Number(before)) }) },
      order: { id: 'DESC' },
      take: LIST_LIMIT + 1,
    });
    const page = toPage(rows, ({ id }) => [id]);
    return { ...page, rows: page.rows.map(toView) };
  }

  /** With what was said. Each time leaves a row in the audit log. @throws NotFound; Forbidden where it is about the actor */
  open(actor: Actor, reportId: number): Promise<OpenedReport> {
    return this.acts.run(actor, 'moderator', async (tx) => {
      const report = await this.find(tx, actor, reportId);
      const messages = await tx.find(ReportMessage, { where: { reportId }, order: { seq: 'ASC' } });
      const result: OpenedReport = {
        ...toView(report),
        note: report.note,
        messages: messages.map(({ seq, senderId, body, createdAt }) => ({
          seq,
          user_id: senderId,
          message: body,
          timestamp: createdAt.toISOString(),
        })),
      };
      return { result, act: { action: 'open_report', target: targetOf(reportId) } };
    });
  }

  /**
   * Settles a report, and does what is to be done about it in the same transaction. To settle it again in the same way changes nothing.
   * @throws Invalid; NotFound, also where somebody is to be suspended whose account is erased; `already_settled`; Forbidden where it is about
   * the actor, or a moderator would suspend somebody with a role; `last_admin`
   */
  async settle(actor: Actor, reportId: number, { status, action: wanted }: SettleReport): Promise<SettledReport> {
    const action = wanted ?? 'none';
    if (status === 'dismissed' && action !== 'none')
      throw new Invalid('Nothing is done about a report that is dismissed.', { action: ['must be none'] });
    let wasSettled = false;
    const settling = async (tx: EntityManager) => {
      const marked = await this.mark(tx, actor, reportId, status, action);
      wasSettled = marked.act === undefined;
      return marked;
    };
    if (action === 'delete_message') await this.deleteMessage(actor, reportId, settling);
    else
      await this.acts.run(actor, 'moderator', async (tx, by) => {
        const { report, act } = await settling(tx);
        if (!act || action !== 'suspend') return { result: undefined, act };
        const user = await lockAccount(tx, report.reportedId);
        if (user.suspended_at !== null) return { result: undefined, act };
        const invites = await this.suspension.suspend(tx, actor, user, by);
        return { result: undefined, act: { ...act, detail: { ...act.detail, ...endedInvites(invites) } } };
      });
    const report = await this.unitOfWork.read.findOneByOrFail(Report, { id: reportId });
    return { ...toView(report), was_settled: wasSettled };
  }

  /** In the turn of the chat, as each change of a message. Where the chat has ended, the message has gone with it. */
  private async deleteMessage(
    actor: Actor,
    reportId: number,
    settling: (tx: EntityManager) => Promise<{ report: Report; act?: Act | undefined }>,
  ): Promise<void> {
    const found = await this.unitOfWork.read.findOneBy(Report, { id: reportId });
    if (!found) throw new NotFound('report');
    const { kind, conversationId, seq } = found;
    const settlingAlone = async (tx: EntityManager) => ({ result: undefined, act: (await settling(tx)).act });
    const isThere = await this.unitOfWork.read.query<object[]>(
      'SELECT 1 FROM conversations WHERE id = ? AND kind = ?',
      [conversationId, kind],
    );
    if (isThere.length === 0) return this.acts.run(actor, 'moderator', settlingAlone);
    await this.changes.inTurn(
      { kind, conversationId },
      async (tx, chat) => {
        await this.acts.begin(tx, actor, 'moderator');
        const { act } = await settling(tx);
        if (!act) return undefined;
        await this.edits.removeIn(tx, chat, seq);
        return this.audit.record(tx, actor, act);
      },
      (tx, id) => this.audit.hasRow(tx, id),
    );
  }

  /** In the transaction of the act. @returns no act where it was settled in this way already */
  private async mark(
    tx: EntityManager,
    actor: Actor,
    reportId: number,
    status: SettleReport['status'],
    action: ReportAction,
  ): Promise<{ report: Report; act?: Act | undefined }> {
    const report = await this.find(tx, actor, reportId);
    if (report.status === status && report.action === action) return { report };
    if (report.status !== 'open') throw alreadySettled();
    const settledBy = actor === 'console' ? null : actor.userId;
    await tx.update(Report, { id: reportId }, { status, action, settledAt: this.clock.now(), settledBy });
    this.events.record(tx, 'reportChanged', { reportId });
    const detail = { status, action, ...(action !== 'none' && { user_id: report.reportedId }) };
    return { report, act: { action: 'settle_report', target: targetOf(reportId), detail } };
  }

  private async find(tx: EntityManager, actor: Actor, reportId: number): Promise<Report> {
    const report = await tx.findOneBy(Report, { id: reportId });
    if (!report) throw new NotFound('report');
    if (isSelf(actor, report.reportedId))
      throw new Forbidden('This report is about you. Another moderator settles it.');
    return report;
  }
}

const toView = (report: Report): AdminReportView => ({
  id: report.id,
  status: report.status,
  reason: report.reason,
  chat_type: report.kind,
  ...(report.kind === 'room' ? { chat_room_id: report.conversationId } : { chat_group_id: report.conversationId }),
  seq: report.seq,
  reported_id: report.reportedId,
  reporter_id: report.reporterId,
  created_at: report.createdAt.toISOString(),
  action: report.action,
  settled_at: report.settledAt?.toISOString() ?? null,
  settled_by: report.settledBy,
});
