import { Injectable, type OnModuleInit } from '@nestjs/common';
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
import { DomainEvents } from '../../domain-events/domain-events.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Presence } from '../../sockets/presence.js';
import { Publisher } from '../../sockets/publisher.js';
import { AccessRequest } from './access-request.entity.js';
import type { AccessRequestView, AnswerAccessRequest, PendingRequestView } from '../dto/access-request.dto.js';
import { blockedFromGroups, GroupMembership, type LockedGroup, onlyTheOwner } from './group-membership.js';
import { UserMutex } from '../attendance/user-mutex.js';

/** How long after a refusal the same user may ask again. */
export const ASK_AGAIN_AFTER_MS = 24 * 60 * 60 * 1000;

/** How long a user who was refused has to wait, in milliseconds; 0 or less: they may ask again. */
export const waitAfterRefusal = (refusedAt: Date, now: Date): number =>
  refusedAt.getTime() + ASK_AGAIN_AFTER_MS - now.getTime();

interface WaitingRow {
  id: number;
  first_name: string;
  last_name: string;
  created_at: string | Date;
}

/** Requests for access to groups that a user cannot enter: private ones, and those they were removed from. */
@Injectable()
export class AccessRequestsService implements OnModuleInit {
  constructor(
    private readonly membership: GroupMembership,
    private readonly userMutex: UserMutex,
    private readonly sessions: Sessions,
    private readonly blocks: Blocks,
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.events.on('accessRequestChanged', ({ groupId, userId, ownerId, status }) =>
      this.publisher.accessRequest(ownerId, { chat_group_id: groupId, user_id: userId, status }),
    );
  }

  /**
   * Asks for access. Asking again while a request waits changes nothing and answers the same.
   * @throws NotFound; `already_member`; `open_group`; `blocked` where one of the two has blocked the other; RateLimited after a refusal
   */
  ask(me: Identity, groupId: number): Promise<AccessRequestView> {
    const { userId } = me;
    return this.userMutex.run([userId], async () => {
      const createdAt = await this.sessions.write(me, (tx) => this.storeRequest(tx, userId, groupId), {
        isDone: (tx) => tx.existsBy(AccessRequest, { conversationId: groupId, userId, refusedAt: IsNull() }),
      });
      return toView(groupId, userId, 'pending', createdAt);
    });
  }

  /** @returns when they asked: an earlier request that waits stays */
  private async storeRequest(tx: EntityManager, userId: number, groupId: number): Promise<Date> {
    const group = await this.membership.lock(tx, groupId);
    await this.assertMayAsk(tx, group, userId);
    // Held, so that no block is made by them or of them until the commit.
    await assertHasAccount(tx, userId);
    if ((await this.blocks.among(tx, [pairOf(userId, group.ownerId)]))(pairOf(userId, group.ownerId)))
      throw blockedFromGroups();
    const before = await tx.findOneBy(AccessRequest, { conversationId: groupId, userId });
    if (before && !before.refusedAt) return before.createdAt;
    const now = this.clock.now();
    if (before) {
      assertWaited(before.refusedAt!, now);
      await tx.delete(AccessRequest, { conversationId: groupId, userId });
    }
    await tx.insert(AccessRequest, { conversationId: groupId, userId, createdAt: now, refusedAt: null });
    this.changed(tx, group, userId, 'pending');
    return now;
  }

  /** The requests that wait, oldest first. @throws NotFound to those outside; Forbidden to members who are not the owner */
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
   * Grants or refuses a request.
   * @throws NotFound to those outside, or where no request of that user waits; Forbidden to members who are not the owner; `blocked` where
   * the requester has blocked the owner since
   */
  answer(me: Identity, groupId: number, { requester_id: userId, access }: AnswerAccessRequest) {
    const status = access ? 'granted' : 'refused';
    const waiting = { conversationId: groupId, userId, refusedAt: IsNull() };
    return this.userMutex.run([userId], async () => {
      const answering = async (tx: EntityManager): Promise<Date> => {
        const group = await this.membership.lockAsOwner(tx, me, groupId);
        const request = await tx.findOneBy(AccessRequest, waiting);
        if (!request) throw new NotFound('access request');
        if (access) {
          await this.membership.assertMayBeDrawnIn(tx, userId, me);
          await this.membership.addMember(tx, group, userId, false);
        } else await tx.update(AccessRequest, waiting, { refusedAt: this.clock.now() });
        this.changed(tx, group, userId, status);
        return request.createdAt;
      };
      // In the turn of the requester, only the end of their account could delete the request otherwise.
      const createdAt = await this.sessions.write(me, answering, {
        isDone: async (tx) => !(await tx.existsBy(AccessRequest, waiting)),
      });
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

  private changed(
    tx: EntityManager,
    { id: groupId, ownerId }: LockedGroup,
    userId: number,
    status: AccessRequestView['status'],
  ): void {
    this.events.record(tx, 'accessRequestChanged', { groupId, userId, ownerId, status });
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
  const left = waitAfterRefusal(refusedAt, now);
  if (left > 0) throw new RateLimited('The owner of this group has refused.', Math.ceil(left / 1000));
}

const toView = (groupId: number, userId: number, status: AccessRequestView['status'], createdAt: Date) => ({
  chat_group_id: groupId,
  user_id: userId,
  status,
  created_at: createdAt.toISOString(),
});
