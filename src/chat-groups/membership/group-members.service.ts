import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { Sessions } from '../../identity/sessions.js';
import { DomainError, NotFound } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../../common/pages.js';
import { Blocks } from '../../people/blocks.js';
import { ConversationRemoval } from '../../conversations/conversation-removal.js';
import { History } from '../../conversations/history.js';
import { liveMark } from '../../conversations/read-marks.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import { afterCommit, CommitUnknown, UnitOfWork } from '../../database/unit-of-work.js';
import { Presence } from '../../sockets/presence.js';
import { AccessRequest } from './access-request.entity.js';
import type { GroupMemberView } from '../dto/group.dto.js';
import { GroupPlacement } from '../attendance/group-placement.js';
import { GroupMembership } from './group-membership.js';
import { UserMutex } from '../attendance/user-mutex.js';

interface MemberRow {
  id: number;
  first_name: string;
  last_name: string;
  is_in: number;
  last_read_seq: number;
  last_seq: number;
  owner_id: number;
}

const hasLeft = () =>
  new DomainError(
    'conflict',
    'has_left',
    'They have given up membership of this group. They come back by entering it, or by asking for access.',
  );

/** The members of a group: adding and removing them, and giving up membership. */
@Injectable()
export class GroupMembersService {
  constructor(
    private readonly history: History,
    private readonly blocks: Blocks,
    private readonly membership: GroupMembership,
    private readonly placement: GroupPlacement,
    private readonly userMutex: UserMutex,
    private readonly sessions: Sessions,
    private readonly removal: ConversationRemoval,
    private readonly events: DomainEvents,
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
  ) {}

  /** The members, in the order of their ids. @throws NotFound to those outside */
  async list(me: Identity, groupId: number, cursor?: string): Promise<Page<GroupMemberView>> {
    await this.history.assertMember('group', groupId, me.userId);
    const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
    const page = toPage(await this.rows('m.user_id > ?', groupId, after), ({ id }) => [id]);
    const hidden = await this.blocks.hiddenFrom(me.userId);
    return { ...page, rows: page.rows.map((row) => this.toView(row, hidden)) };
  }

  /**
   * The owner adds a user, who may have been removed before, or have asked for access. Adding a member changes nothing.
   * @throws NotFound to those outside, or where there is no such user; Forbidden to members who are not the owner; `blocked` where the user
   * has blocked the owner; `has_left` where they gave up membership, and have not asked for access since
   */
  async add(me: Identity, groupId: number, userId: number): Promise<GroupMemberView> {
    await this.userMutex.run([userId], async () => {
      const adding = async (tx: EntityManager): Promise<void> => {
        const group = await this.membership.lockAsOwner(tx, me, groupId);
        if (await this.membership.find(tx, groupId, userId)) return;
        const waiting = { conversationId: groupId, userId, refusedAt: IsNull() };
        const asked = await tx.existsBy(AccessRequest, waiting);
        await this.membership.assertMayBeDrawnIn(tx, userId, me);
        if (!asked && (await this.membership.hasLeft(tx, groupId, userId))) throw hasLeft();
        await this.membership.addMember(tx, group, userId, false);
        if (asked)
          this.events.record(tx, 'accessRequestChanged', { groupId, userId, ownerId: me.userId, status: 'granted' });
      };
      await this.sessions.write(me, adding, {
        isDone: async (tx) => (await this.membership.find(tx, groupId, userId)) !== null,
      });
    });
    const [row] = await this.rows('m.user_id = ?', groupId, userId);
    // The membership has ended again in the meantime.
    if (!row) throw new NotFound('member');
    return this.toView(row, await this.blocks.hiddenFrom(me.userId));
  }

  /** The caller gives up their own membership, or the owner removes a member. @throws as those do */
  async end(me: Identity, groupId: number, userId: number): Promise<void> {
    await (userId === me.userId ? this.giveUp(me, groupId) : this.remove(me, groupId, userId));
    await this.events.heardElsewhere();
  }

  /** An owner's group goes to the user who has been a member for longest; a group without members is deleted. @throws NotFound */
  private async giveUp(me: Identity, groupId: number): Promise<void> {
    const { userId } = me;
    await this.userMutex.run([userId], () => {
      const giving = async (tx: EntityManager): Promise<void> => {
        const group = await this.membership.lock(tx, groupId);
        const member = await this.membership.lockMember(tx, groupId, userId);
        if (!member) throw new NotFound('chat group');
        const ends = await this.membership.leaveForGood(tx, [group], userId);
        if (ends.deleted.length === 0) await this.membership.noteDeparture(tx, groupId, userId);
        else afterCommit(tx, () => this.removal.wake());
        this.events.record(tx, 'memberLeft', { groupId, userId, wasIn: member.isIn });
        this.membership.recordHeirs(tx, ends);
      };
      return this.endMembership(me, groupId, userId, giving);
    });
  }

  /**
   * From the answer on, the removed user gets nothing of the group and writes nothing into it: the row is deleted under the lock that each
   * message takes, and right after the commit their sockets leave the group's Socket.IO rooms (`memberLeft`), before anything is awaited.
   * Removing again is harmless.
   * @throws NotFound to those outside, or where there is no such member; Forbidden to members who are not the owner
   */
  private remove(me: Identity, groupId: number, userId: number): Promise<void> {
    return this.userMutex.run([userId], () => {
      const removing = async (tx: EntityManager): Promise<void> => {
        await this.membership.lockAsOwner(tx, me, groupId);
        const member = await this.membership.lockMember(tx, groupId, userId);
        if (member) {
          await this.membership.removeMember(tx, groupId, userId);
          this.events.record(tx, 'memberLeft', { groupId, userId, wasIn: member.isIn });
        } else if (!(await this.membership.isRemoved(tx, groupId, userId))) throw new NotFound('member');
      };
      return this.endMembership(me, groupId, userId, removing);
    });
  }

  /** Where it stays unknown whether it was done, their sockets get nothing of the group until they enter it or connect anew. */
  private async endMembership(
    me: Identity,
    groupId: number,
    userId: number,
    work: (tx: EntityManager) => Promise<void>,
  ): Promise<void> {
    try {
      await this.sessions.write(me, work, {
        isDone: async (tx) => (await this.membership.find(tx, groupId, userId)) === null,
      });
    } catch (error) {
      if (error instanceof CommitUnknown) this.placement.silence(userId, groupId);
      throw error;
    }
  }

  private rows(condition: string, groupId: number, value: number): Promise<MemberRow[]> {
    return this.unitOfWork.read.query<MemberRow[]>(
      `SELECT u.id, u.first_name, u.last_name, m.is_in, m.last_read_seq, c.last_seq, g.owner_id
       FROM members m
       JOIN users u ON u.id = m.user_id
       JOIN conversations c ON c.id = m.conversation_id
       JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE m.conversation_id = ? AND ${condition}
       ORDER BY m.user_id LIMIT ${LIST_LIMIT + 1}`,
      [groupId, value],
    );
  }

  private toView(row: MemberRow, hidden: ReadonlySet<number>): GroupMemberView {
    const isIn = Boolean(row.is_in);
    const mark = liveMark(
      { lastSeq: row.last_seq, lastReadSeq: row.last_read_seq },
      isIn && this.presence.isConnectedAnywhere(row.id),
    );
    return {
      id: row.id,
      first_name: row.first_name,
      last_name: row.last_name,
      is_online: !hidden.has(row.id) && this.presence.isOnline(row.id),
      is_in_group: isIn,
      role: row.id === row.owner_id ? 'owner' : 'member',
      last_read_seq: mark.lastReadSeq,
    };
  }
}
