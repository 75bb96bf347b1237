import { Injectable } from '@nestjs/common';
import { UserMutex } from '../chat-groups/attendance/user-mutex.js';
import { ChatGroup } from '../chat-groups/chat-group.entity.js';
import { GroupMembership, type LockedGroup } from '../chat-groups/membership/group-membership.js';
import { Invalid, NotFound } from '../common/errors.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { momentToIso } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { Actor } from '../identity/roles.js';
import { Acts, because } from './acts.js';
import type { AdminChangeGroup, AdminGroupView } from './dto/admin-groups.dto.js';

interface Row {
  id: number;
  name: string;
  owner_id: number;
  is_private: number;
  is_frozen: number;
  member_count: number;
  last_seq: number;
  created_at: string | Date;
  last_message_at: string | Date | null;
}

const targetOf = (groupId: number): string => `group ${groupId}`;

/** What admins do to groups. Names and counts, and nothing of what is said in them. */
@Injectable()
export class AdminGroupsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly acts: Acts,
    private readonly membership: GroupMembership,
    private readonly userMutex: UserMutex,
    private readonly events: DomainEvents,
  ) {}

  /** All groups, in the order of their ids. */
  async list(cursor?: string): Promise<Page<AdminGroupView>> {
    const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
    const page = toPage(await this.rows('>', after), ({ id }) => [id]);
    return { ...page, rows: page.rows.map(toView) };
  }

  /** @throws NotFound */
  async get(groupId: number): Promise<AdminGroupView> {
    const [row] = await this.rows('=', groupId);
    if (!row) throw new NotFound('chat group');
    return toView(row);
  }

  /**
   * Hands a group over to another member, freezes it or ends that. From the commit of a freeze on, nothing is stored in the group.
   * @throws Invalid; NotFound where there is no such group, or the new owner is no member; `quota_exceeded` where they own too many
   */
  async change(actor: Actor, groupId: number, change: AdminChangeGroup): Promise<AdminGroupView> {
    const { owner_id: ownerId, is_frozen: isFrozen } = change;
    if (ownerId == null && isFrozen == null) {
      const fields = { owner_id: ['is missing'], is_frozen: ['is missing'] };
      throw new Invalid('Send owner_id, is_frozen, or both.', fields);
    }
    const acting = () =>
      this.acts.run(actor, 'admin', async (tx) => {
        const before = await this.membership.lock(tx, groupId);
        const after = { owner_id: ownerId ?? before.ownerId, is_frozen: isFrozen ?? before.isFrozen };
        if (ownerId != null) await this.membership.handOver(tx, before, ownerId);
        if (after.is_frozen !== before.isFrozen)
          await tx.update(ChatGroup, { conversationId: groupId }, { isFrozen: after.is_frozen });
        const changes = changesOf(before, after);
        if (Object.keys(changes).length === 0) return { result: undefined };
        this.events.record(tx, 'groupChanged', { groupId });
        const detail = { ...changes, ...because(change.reason) };
        return { result: undefined, act: { action: 'change_group', target: targetOf(groupId), detail } };
      });
    // In the turns of both owners, as where one hands it over to the other.
    const { owner_id: formerId } = await this.get(groupId);
    await this.userMutex.run(ownerId == null ? [] : [formerId, ownerId], acting);
    return this.get(groupId);
  }

  /** Deletes a group with all that is in it: it is gone for everybody, on every node, when this resolves. @throws NotFound */
  async delete(actor: Actor, groupId: number, reason?: string | null): Promise<void> {
    await this.acts.run(actor, 'admin', async (tx) => {
      const group = await this.membership.lock(tx, groupId);
      await this.membership.deleteGroup(tx, group);
      const detail = { members: group.memberCount, ...because(reason) };
      return { result: undefined, act: { action: 'delete_group', target: targetOf(groupId), detail } };
    });
  }

  private rows(comparison: '=' | '>', groupId: number): Promise<Row[]> {
    return this.unitOfWork.read.query<Row[]>(
      `SELECT c.id, g.name, g.owner_id, g.is_private, g.is_frozen, g.member_count, c.last_seq, c.created_at, c.last_message_at
       FROM chat_groups g JOIN conversations c ON c.id = g.conversation_id
       WHERE g.conversation_id ${comparison} ? ORDER BY g.conversation_id LIMIT ${LIST_LIMIT + 1}`,
      [groupId],
    );
  }
}

/** As the audit log keeps them: each from what to what. */
const changesOf = (before: LockedGroup, after: { owner_id: number; is_frozen: boolean }): Record<string, unknown> => ({
  ...(after.owner_id !== before.ownerId && { owner_id: [before.ownerId, after.owner_id] }),
  ...(after.is_frozen !== before.isFrozen && { is_frozen: [before.isFrozen, after.is_frozen] }),
});

const toView = (row: Row): AdminGroupView => ({
  id: row.id,
  name: row.name,
  owner_id: row.owner_id,
  is_private: Boolean(row.is_private),
  is_frozen: Boolean(row.is_frozen),
  member_count: row.member_count,
  message_count: row.last_seq,
  created_at: momentToIso(row.created_at),
  last_message_at: row.last_message_at === null ? null : momentToIso(row.last_message_at),
});
