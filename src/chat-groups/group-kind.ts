import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Forbidden, NotFound } from '../common/errors.js';
import { type ChangeRequest, ChatKinds, type EditableChatKind } from '../conversations/chat-kind.js';
import { type Entry, heldKey, type Located } from '../conversations/draft.js';
import { ChatGroup } from './chat-group.entity.js';
import { inTuples } from '../database/dialect.js';
import { lockFree } from '../database/row-locks.js';

interface MemberRow {
  conversation_id: number;
  user_id: number;
}

/** Groups: only members write. */
@Injectable()
export class GroupKind implements EditableChatKind<'group'>, OnModuleInit {
  constructor(private readonly kinds: ChatKinds) {}

  onModuleInit(): void {
    this.kinds.register('group', this);
  }

  locate(_tx: EntityManager, entries: Entry<'group'>[]): Promise<void> {
    for (const entry of entries) entry.conversationId = entry.draft.target;
    return Promise.resolve();
  }

  async authorize(tx: EntityManager, entries: Located<'group'>[]): Promise<void> {
    const { sql, values } = inTuples(
      tx,
      'm.conversation_id, m.user_id',
      entries.map(({ draft }) => [draft.target, draft.sender.userId]),
    );
    const rows = {
      columns: 'm.conversation_id, m.user_id',
      // Joined with the groups: `members` also holds those of rooms.
      table: 'members m JOIN chat_groups g ON g.conversation_id = m.conversation_id',
      where: `${sql} ORDER BY m.conversation_id, m.user_id`,
      values,
    };
    const keyOf = ({ conversation_id, user_id }: MemberRow): string => `${conversation_id}:${user_id}`;
    const count = new Set(entries.map(memberKey)).size;
    const { free, held } = await lockFree<MemberRow>(tx, rows, keyOf, 'share', count);
    const members = new Set(free.map(keyOf));
    const heldMembers = new Set(held.map(keyOf));
    for (const entry of entries) {
      const key = memberKey(entry);
      if (members.has(key)) continue;
      if (heldMembers.has(key)) entry.hold(heldKey.mark(entry));
      else entry.refuse(new NotFound('chat group'));
    }
  }

  targetOf(_tx: EntityManager, conversationId: number): Promise<number> {
    return Promise.resolve(conversationId);
  }

  /** Members edit their own messages. */
  mayEdit(_tx: EntityManager, { me, senderId }: ChangeRequest<'group'>): Promise<void> {
    if (senderId !== me.userId) throw new Forbidden('Only who sent a message can edit it.');
    return Promise.resolve();
  }

  /** Members delete their own messages; the owner also those of others. */
  async mayDelete(tx: EntityManager, { me, target: groupId, senderId }: ChangeRequest<'group'>): Promise<void> {
    if (senderId === me.userId) return;
    if (!(await tx.existsBy(ChatGroup, { conversationId: groupId, ownerId: me.userId })))
      throw new Forbidden('Only who sent a message, or the owner of the group, can delete it.');
  }
}

const memberKey = ({ draft }: Entry<'group'>): string => `${draft.target}:${draft.sender.userId}`;
