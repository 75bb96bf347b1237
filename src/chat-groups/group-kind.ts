import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Forbidden, NotFound } from '../common/errors.js';
import { Clock } from '../common/timing/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { type ChangeRequest, ChatKinds, type EditableChatKind, type Verdict } from '../conversations/chat-kind.js';
import { type Entry, type Everyone, heldKey, type Located, type Written } from '../conversations/draft.js';
import { ChatGroup } from './chat-group.entity.js';
import { assertNotFrozen, groupFrozen } from './membership/group-membership.js';
import { fromMoment, inIds, inTuples, toMoment } from '../database/dialect.js';
import { lockFree } from '../database/row-locks.js';

/** Shortest time between two messages that name everyone in a group, by members other than the owner. */
const EVERYONE_EVERY_MS = 5 * 60_000;

interface MemberRow {
  conversation_id: number;
  user_id: number;
  owner_id: number;
  member_count: number;
  is_frozen: number;
  everyone_at: string | Date | null;
}

/** Groups: only members write, and not all of them name everyone. */
@Injectable()
export class GroupKind implements EditableChatKind<'group'>, OnModuleInit {
  /** In a batch: they are in groups that are frozen. */
  private readonly frozen = new WeakSet<Entry>();

  constructor(
    private readonly kinds: ChatKinds,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.kinds.register('group', this);
  }

  locate(_tx: EntityManager, entries: Entry<'group'>[]): Promise<void> {
    for (const entry of entries) entry.conversationId = entry.draft.target;
    return Promise.resolve();
  }

  async authorize(tx: EntityManager, entries: Located<'group'>[]): Promise<Verdict<'group'>> {
    const { sql, values } = inTuples(
      tx,
      'm.conversation_id, m.user_id',
      entries.map(({ draft }) => [draft.target, draft.sender.userId]),
    );
    const rows = {
      columns: 'm.conversation_id, m.user_id, g.owner_id, g.member_count, g.is_frozen, g.everyone_at',
      // Joined with the groups: `members` also holds those of rooms.
      table: 'members m JOIN chat_groups g ON g.conversation_id = m.conversation_id',
      where: `${sql} ORDER BY m.conversation_id, m.user_id`,
      values,
    };
    const keyOf = ({ conversation_id, user_id }: MemberRow): string => `${conversation_id}:${user_id}`;
    const count = new Set(entries.map(memberKey)).size;
    const { free, held } = await lockFree<MemberRow>(tx, rows, keyOf, 'share', count);
    const members = new Map(free.map((row) => [keyOf(row), row]));
    const heldMembers = new Set(held.map(keyOf));
    return (left) => {
      const named = new Set<number>();
      for (const entry of left) {
        const key = memberKey(entry);
        const member = members.get(key);
        if (member) {
          if (member.is_frozen) this.frozen.add(entry);
          entry.askEveryone = () => this.mayNameEveryone(member, named);
          continue;
        }
        if (heldMembers.has(key)) entry.hold(heldKey.mark(entry));
        else entry.refuse(new NotFound('chat group'));
      }
    };
  }

  /** By what `authorize` has read: a repeat is answered with its place, also where the group was frozen since. */
  checkNew(): Promise<Verdict<'group'>> {
    return Promise.resolve((left) => {
      for (const entry of left) if (this.frozen.has(entry)) entry.refuse(groupFrozen());
    });
  }

  /** @param named groups in which a member has named everyone in this batch */
  private mayNameEveryone(member: MemberRow, named: Set<number>): Everyone {
    const { conversation_id: groupId, everyone_at: last } = member;
    if (member.user_id === member.owner_id) return { isOwners: true };
    if (member.member_count > this.config.everyoneLimit) return { refused: 'too_large' };
    const isRecent = last !== null && this.clock.now().getTime() - fromMoment(last).getTime() < EVERYONE_EVERY_MS;
    if (isRecent || named.has(groupId)) return { refused: 'too_often' };
    named.add(groupId);
    return {};
  }

  async afterInsert(tx: EntityManager, entries: Written<'group'>[]): Promise<void> {
    const ids = entries.flatMap(({ draft, extras, everyone }) =>
      extras?.everyone && !everyone?.isOwners ? [draft.target] : [],
    );
    if (ids.length === 0) return;
    const { sql, values } = inIds('conversation_id', ids);
    await tx.query(`UPDATE chat_groups SET everyone_at = ? WHERE ${sql}`, [toMoment(this.clock.now()), ...values]);
  }

  targetOf(_tx: EntityManager, conversationId: number): Promise<number> {
    return Promise.resolve(conversationId);
  }

  /** Members edit their own messages. */
  async mayEdit(tx: EntityManager, { me, target: groupId, senderId }: ChangeRequest<'group'>): Promise<void> {
    if (senderId !== me.userId) throw new Forbidden('Only who sent a message can edit it.');
    await this.mayReact(tx, groupId);
  }

  /** Members delete their own messages; the owner also those of others. */
  async mayDelete(tx: EntityManager, { me, target: groupId, senderId }: ChangeRequest<'group'>): Promise<void> {
    const group = await tx.findOneByOrFail(ChatGroup, { conversationId: groupId });
    if (senderId !== me.userId && group.ownerId !== me.userId)
      throw new Forbidden('Only who sent a message, or the owner of the group, can delete it.');
    assertNotFrozen(group);
  }

  /** All members may, unless the group is frozen. */
  async mayReact(tx: EntityManager, groupId: number): Promise<void> {
    assertNotFrozen(await tx.findOneByOrFail(ChatGroup, { conversationId: groupId }));
  }
}

const memberKey = ({ draft }: Entry<'group'>): string => `${draft.target}:${draft.sender.userId}`;
