import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { hasAccount, holdAccount } from '../../identity/accounts.js';
import { Clock } from '../../common/timing/clock.js';
import { DomainError, Forbidden, NotFound } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { blocked, Blocks } from '../../people/blocks.js';
import { lockConversation, lockMember } from '../../conversations/conversation-locks.js';
import { ConversationRemoval } from '../../conversations/conversation-removal.js';
import type { ReadableChat } from '../../conversations/history.js';
import { Member } from '../../conversations/member.entity.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import { chunks, PER_STATEMENT } from '../../database/chunks.js';
import { inIds, insertRows, toMoment } from '../../database/dialect.js';
import { afterCommit } from '../../database/unit-of-work.js';
import { AccessRequest } from './access-request.entity.js';
import { ChatGroup } from '../chat-group.entity.js';
import { GroupDeparture } from './group-departure.entity.js';
import { GroupQuotas } from './group-quotas.js';
import { GroupRemoval } from './group-removal.entity.js';

export interface LockedGroup extends ReadableChat {
  ownerId: number;
  isPrivate: boolean;
  memberCount: number;
  isFrozen: boolean;
}

/** A group in which a membership ends, as it was until then. */
export type Left = Pick<LockedGroup, 'id' | 'ownerId' | 'memberCount'>;

/** What happened to such groups. */
export interface Ends {
  deleted: number[];
  /** New owners, by group. */
  heirs: Map<number, number>;
}

/** Both users get the same sentence, as for messages. */
export const blockedFromGroups = () => blocked('One of the two of you has blocked the other.');

export const groupFrozen = () =>
  new DomainError(
    'forbidden',
    'group_frozen',
    'Those who run this server have frozen this group: it can only be read.',
  );

/** @throws `group_frozen` */
export function assertNotFrozen({ isFrozen }: Pick<LockedGroup, 'isFrozen'>): void {
  if (isFrozen) throw groupFrozen();
}

export const onlyTheOwner = () => new Forbidden('Only the owner of a group can do this.');

/** The rows of memberships: steps of transactions that hold the lock of the group. */
@Injectable()
export class GroupMembership implements OnModuleInit {
  constructor(
    private readonly removal: ConversationRemoval,
    private readonly blocks: Blocks,
    private readonly quotas: GroupQuotas,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    // Members last: it is by them that a chat with rows that are left is known to a user's erasure.
    for (const table of ['access_requests', 'group_departures', 'group_removals', 'members'])
      this.removal.alsoDeletes(table, 'user_id');
  }

  /** Locks a group against everything that numbers its messages or changes its members. @throws NotFound */
  async lock(tx: EntityManager, groupId: number): Promise<LockedGroup> {
    // The conversation's row first, as the message log does: two that lock in one order do not wait for each other.
    const conversation = await lockConversation(tx, groupId, 'group');
    const group = await tx.findOneBy(ChatGroup, { conversationId: groupId });
    if (!conversation || !group) throw new NotFound('chat group');
    const { ownerId, isPrivate, memberCount, isFrozen } = group;
    const { last_seq: lastSeq, last_change: lastChange } = conversation;
    return { id: groupId, lastSeq, lastChange: lastChange ?? 0, ownerId, isPrivate, memberCount, isFrozen };
  }

  /** The same, for its owner. @throws NotFound to those outside; Forbidden to members who are not the owner; `group_frozen` */
  async lockAsOwner(tx: EntityManager, me: Identity, groupId: number): Promise<LockedGroup> {
    const group = await this.lock(tx, groupId);
    if (!(await this.find(tx, groupId, me.userId))) throw new NotFound('chat group');
    if (group.ownerId !== me.userId) throw onlyTheOwner();
    assertNotFrozen(group);
    return group;
  }

  /**
   * Hands a group that is locked over to another member. The caller records `groupChanged`.
   * @param by the owner; without one, it is an admin who does it, and blocks do not count
   * @throws NotFound where they are no member; `blocked`; `quota_exceeded`
   */
  async handOver(tx: EntityManager, group: LockedGroup, ownerId: number, by?: Identity): Promise<void> {
    const { id: groupId, ownerId: formerId } = group;
    const next = await this.find(tx, groupId, ownerId);
    if (!next) throw new NotFound('member');
    if (by) await this.assertMayBeDrawnIn(tx, ownerId, by);
    else await holdAccount(tx, ownerId);
    if (ownerId === formerId) return;
    await this.quotas.assertMayOwn(tx, ownerId);
    await tx.update(ChatGroup, { conversationId: groupId }, { ownerId });
    const former = await this.find(tx, groupId, formerId);
    const members = [former, next].flatMap((one) => (one ? { userId: one.userId, isIn: one.isIn } : []));
    this.events.record(tx, 'ownerChanged', { groupId, ownerId, members });
  }

  /**
   * Deletes a group that is locked, however many members and messages it has: it is gone for everybody with the commit, and its rows are
   * deleted in slices after it.
   */
  async deleteGroup(tx: EntityManager, { id: groupId }: LockedGroup): Promise<void> {
    await tx.delete(ChatGroup, { conversationId: groupId });
    // Its members' rows are still there for a while, and lead nowhere: no kind of chat is called so.
    await tx.query("UPDATE conversations SET kind = 'gone' WHERE id = ?", [groupId]);
    await this.removal.mark(tx, [groupId]);
    afterCommit(tx, () => this.removal.wake());
    this.events.record(tx, 'groupDeleted', { groupId });
  }

  find(tx: EntityManager, groupId: number, userId: number): Promise<Member | null> {
    return tx.findOneBy(Member, { conversationId: groupId, userId });
  }

  /** The same, with the row locked until the commit. */
  async lockMember(
    tx: EntityManager,
    groupId: number,
    userId: number,
  ): Promise<Pick<Member, 'isIn' | 'lastReadSeq'> | null> {
    const row = await lockMember(tx, groupId, userId);
    return row ? { isIn: Boolean(row.is_in), lastReadSeq: row.last_read_seq } : null;
  }

  isRemoved(tx: EntityManager, groupId: number, userId: number): Promise<boolean> {
    return tx.existsBy(GroupRemoval, { conversationId: groupId, userId });
  }

  /** Whether the user has given up membership, so that only they themselves can come back. */
  hasLeft(tx: EntityManager, groupId: number, userId: number): Promise<boolean> {
    return tx.existsBy(GroupDeparture, { conversationId: groupId, userId });
  }

  /** Stores that a member has given up membership. */
  async noteDeparture(tx: EntityManager, groupId: number, userId: number): Promise<void> {
    // The new row refers to theirs.
    await hasAccount(tx, userId);
    await tx.insert(GroupDeparture, { conversationId: groupId, userId, leftAt: this.clock.now() });
  }

  /**
   * Nobody is made a member or an owner by a user whom they have blocked. The answer holds until the commit.
   * @throws NotFound where there is no such account; `blocked`
   */
  async assertMayBeDrawnIn(tx: EntityManager, userId: number, me: Identity): Promise<void> {
    // Held as `addMember` holds it; a block locks both users first.
    if (!(await holdAccount(tx, userId))) throw new NotFound('user');
    if (await this.blocks.hasBlocked(tx, userId, me.userId)) throw blockedFromGroups();
  }

  /**
   * Makes a user a member, with nothing unread, and deletes their request for access, departure and removal.
   * @throws NotFound where there is no such account; `quota_exceeded`
   */
  async addMember(tx: EntityManager, { id, lastSeq }: LockedGroup, userId: number, isIn: boolean): Promise<void> {
    if (!(await holdAccount(tx, userId))) throw new NotFound('user');
    await this.quotas.assertMayJoin(tx, userId);
    const row = [id, userId, lastSeq, isIn ? 1 : 0, toMoment(this.clock.now())];
    await insertRows(tx, 'members', 'conversation_id, user_id, last_read_seq, is_in, joined_at', [row]);
    await tx.increment(ChatGroup, { conversationId: id }, 'memberCount', 1);
    for (const table of [AccessRequest, GroupDeparture, GroupRemoval])
      await tx.delete(table, { conversationId: id, userId });
    this.events.record(tx, 'memberJoined', { groupId: id, userId, lastSeq, isIn });
  }

  /** Ends a membership, so that only the owner can bring the user back. */
  async removeMember(tx: EntityManager, groupId: number, userId: number): Promise<void> {
    // The new row refers to theirs.
    await hasAccount(tx, userId);
    await tx.delete(Member, { conversationId: groupId, userId });
    await tx.decrement(ChatGroup, { conversationId: groupId }, 'memberCount', 1);
    await tx.insert(GroupRemoval, { conversationId: groupId, userId, removedAt: this.clock.now() });
  }

  /**
   * Ends a user's memberships of groups that are locked. A group that has no other member is deleted; one that they own goes to the user
   * who has been a member for longest. A handful of statements for hundreds of groups. The caller records the end of the memberships, then
   * the new owners (`recordHeirs`), and calls `ConversationRemoval` after the commit.
   */
  async leaveForGood(tx: EntityManager, groups: readonly Left[], userId: number): Promise<Ends> {
    const ends: Ends = { deleted: [], heirs: new Map() };
    for (const some of chunks(groups)) {
      const mine = inGroups(some);
      await tx.query(`DELETE FROM members WHERE user_id = ? AND ${mine.sql}`, [userId, ...mine.values]);
      await this.deleteGroups(
        tx,
        some.filter(({ memberCount }) => memberCount <= 1),
        ends,
      );
      const others = some.filter(({ memberCount }) => memberCount > 1);
      if (others.length > 0) {
        const { sql, values } = inGroups(others);
        await tx.query(`UPDATE chat_groups SET member_count = member_count - 1 WHERE ${sql}`, values);
      }
      await this.passOn(
        tx,
        others.filter(({ ownerId }) => ownerId === userId),
        ends,
      );
      // On SQLite all of this would be one turn of the event loop.
      if (some.length === PER_STATEMENT) await nextTurn();
    }
    return ends;
  }

  recordHeirs(tx: EntityManager, { heirs }: Ends): void {
    if (heirs.size > 0) this.events.record(tx, 'groupsInherited', { heirs });
  }

  private async passOn(tx: EntityManager, groups: readonly Left[], { heirs }: Ends): Promise<void> {
    if (groups.length === 0) return;
    const { sql, values } = inGroups(groups);
    await tx.query(
      `UPDATE chat_groups SET owner_id = (
         SELECT m.user_id FROM members m WHERE m.conversation_id = chat_groups.conversation_id
         ORDER BY m.joined_at, m.user_id LIMIT 1
       ) WHERE ${sql}`,
      values,
    );
    const rows = await tx.query<{ id: number; owner_id: number }[]>(
      `SELECT conversation_id AS id, owner_id FROM chat_groups WHERE ${sql}`,
      values,
    );
    for (const { id, owner_id } of rows) heirs.set(id, owner_id);
  }

  private async deleteGroups(tx: EntityManager, groups: readonly Left[], { deleted }: Ends): Promise<void> {
    if (groups.length === 0) return;
    const { sql, values } = inGroups(groups);
    await tx.query(`DELETE FROM chat_groups WHERE ${sql}`, values);
    const ids = groups.map(({ id }) => id);
    await this.removal.mark(tx, ids);
    deleted.push(...ids);
  }
}

const inGroups = (groups: readonly Left[]) =>
  inIds(
    'conversation_id',
    groups.map(({ id }) => id),
  );
