import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { assertHasAccount } from '../../identity/accounts.js';
import { Sessions } from '../../identity/sessions.js';
import { Clock } from '../../common/timing/clock.js';
import { DomainError, NotFound, RateLimited } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../../common/pages.js';
import { Blocks } from '../../people/blocks.js';
import { pairOf } from '../../people/pair.js';
import { fromMoment, toMoment } from '../../database/dialect.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Presence } from '../../sockets/presence.js';
import { Publisher } from '../../sockets/publisher.js';
import { AccessRequest } from './access-request.entity.js';
import type { AccessRequestView, AnswerAccessRequest, PendingRequestView } from '../dto/access-request.dto.js';
import { blockedFromGroups, GroupMembership, type LockedGroup, onlyTheOwner } from './group-membership.js';
import { UserMutex } from '../attendance/user-mutex.js';

/** Between a refusal and the next try. */
export const ASK_AGAIN_AFTER_MS = 24 * 60 * 60 * 1000;

interface WaitingRow {
  id: number;
  first_name: string;
  last_name: string;
  created_at: string | Date;
}

/** Knocking at the door of a group that one cannot enter: a private one, or one that one was removed from. */
@Injectable()
export class AccessRequestsService {
  constructor(
    private readonly membership: GroupMembership,
    private readonly userMutex: UserMutex,
    private readonly sessions: Sessions,
    private readonly blocks: Blocks,
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly clock: Clock,
  ) {}

  /**
   * Anybody outside asks; asking again while it waits changes nothing and answers the same.
   * @throws NotFound; `already_member`; `open_group`; `blocked` where one of the two has blocked the other; RateLimited after a refusal
   */
  ask(me: Identity, groupId: number): Promise<AccessRequestView> {
    const { userId } = me;
    return this.userMutex.run([userId], async () => {
      const { ownerId, createdAt, isNew } = await this.sessions.write(me, async (tx) => {
        const group = await this.membership.lock(tx, groupId);
        await this.assertMayAsk(tx, group, userId);
        // Until the commit nobody blocks them, and they block nobody.
        await assertHasAccount(tx, userId);
        if ((await this.blocks.among(tx, [pairOf(userId, group.ownerId)]))(pairOf(userId, group.ownerId)))
          throw blockedFromGroups();
        const before = await tx.findOneBy(AccessRequest, { conversationId: groupId, userId });
        if (before && !before.refusedAt) return { ...group, createdAt: before.createdAt, isNew: false };
        const now = this.clock.now();
        if (before) {
          assertWaited(before.refusedAt!, now);
          await tx.delete(AccessRequest, { conversationId: groupId, userId });
        }
        await tx.insert(AccessRequest, { conversationId: groupId, userId, createdAt: now, refusedAt: null });
        return { ...group, createdAt: now, isNew: true };
      });
      if (isNew) this.tell(ownerId, groupId, userId, 'pending');
      return toView(groupId, userId, 'pending', createdAt);
    });
  }

  /** Who waits at the owner's door, oldest first. @throws NotFound to those outside; Forbidden to other members */
  async list(me: Identity, groupId: number, cursor?: string): Promise<Page<PendingRequestView>> {
    await this.assertOwner(me, groupId);
    const [moment, after] = readCursor(cursor, ['moment', 'number']) ?? ['', 0];
    const rows = await this.unitOfWork.read.query<WaitingRow[]>(
      `SELECT u.id, u.first_name, u.last_name, r.created_at
       FROM access_requests r JOIN users u ON u.id = r.user_id
       WHERE r.conversation_id = ? AND r.refused_at IS NULL AND u.erased_at IS NULL
       ${moment === '' ? '' : 'AND (r.created_at > ? OR (r.created_at = ? AND r.user_id > ?))'}
       ORDER BY r.created_at, r.user_id LIMIT ${LIST_LIMIT + 1}`,
      moment === '' ? [groupId] : [groupId, moment, moment, after],
    );
    const page = toPage(rows, (row) => [toMoment(fromMoment(row.created_at)), row.id]);
    const hidden = await this.blocks.hiddenFrom(me.userId);
    return { ...page, rows: page.rows.map((row) => this.toPendingView(groupId, row, hidden)) };
  }

  /**
   * The owner's answer: lets the requester in, or has them wait before they may ask again.
   * @throws NotFound to those outside, or where nobody waits by that id; Forbidden to other members; `blocked` where the requester has
   * blocked the owner since
   */
  answer(me: Identity, groupId: number, { requester_id: userId, access }: AnswerAccessRequest) {
    return this.userMutex.run([userId], async () => {
      const createdAt = await this.sessions.write(me, async (tx) => {
        const group = await this.membership.lockAsOwner(tx, me, groupId);
        const waiting = { conversationId: groupId, userId, refusedAt: IsNull() };
        const request = await tx.findOneBy(AccessRequest, waiting);
        if (!request) throw new NotFound('access request');
        if (access) {
          await this.membership.assertMayBeDrawnIn(tx, userId, me);
          await this.membership.admit(tx, group, userId, false);
        } else await tx.update(AccessRequest, waiting, { refusedAt: this.clock.now() });
        return request.createdAt;
      });
      const status = access ? 'granted' : 'refused';
      this.tell(me.userId, groupId, userId, status);
      return toView(groupId, userId, status, createdAt);
    });
  }

  private async assertMayAsk(tx: EntityManager, group: LockedGroup, userId: number): Promise<void> {
    if (await this.membership.find(tx, group.id, userId))
      throw new DomainError('conflict', 'already_member', 'You are a member of this group already: enter it.');
    if (!group.isPrivate && !(await this.membership.isRemoved(tx, group.id, userId)))
      throw new DomainError('conflict', 'open_group', 'This group is open to everybody: enter it without asking.');
  }

  private async assertOwner(me: Identity, groupId: number): Promise<void> {
    const [row] = await this.unitOfWork.read.query<{ owner_id: number }[]>(
      `SELECT g.owner_id FROM chat_groups g JOIN members mine ON mine.conversation_id = g.conversation_id
       WHERE g.conversation_id = ? AND mine.user_id = ?`,
      [groupId, me.userId],
    );
    if (!row) throw new NotFound('chat group');
    if (row.owner_id !== me.userId) throw onlyTheOwner();
  }

  private tell(ownerId: number, groupId: number, userId: number, status: AccessRequestView['status']): void {
    this.publisher.accessRequest(ownerId, { chat_group_id: groupId, user_id: userId, status });
  }

  private toPendingView(groupId: number, row: WaitingRow, hidden: ReadonlySet<number>): PendingRequestView {
    const { id, first_name, last_name, created_at } = row;
    return {
      ...toView(groupId, id, 'pending', fromMoment(created_at)),
      requester: { id, first_name, last_name, is_online: !hidden.has(id) && this.presence.isOnline(id) },
    };
  }
}

function assertWaited(refusedAt: Date, now: Date): void {
  const left = refusedAt.getTime() + ASK_AGAIN_AFTER_MS - now.getTime();
  if (left > 0) throw new RateLimited('The owner of this group has refused.', Math.ceil(left / 1000));
}

const toView = (groupId: number, userId: number, status: AccessRequestView['status'], createdAt: Date) => ({
  chat_group_id: groupId,
  user_id: userId,
  status,
  created_at: createdAt.toISOString(),
});
