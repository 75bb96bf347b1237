import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Forbidden, NotFound } from '../common/errors.js';
import { type ChangeRequest, ChatKinds, type EditableChatKind } from '../conversations/chat-kind.js';
import { type Entry, heldKey, type Located } from '../conversations/draft.js';
import { ChatGroup } from './chat-group.entity.js';
import { canSkipLocked, forShareFree, inTuples } from '../database/dialect.js';

/** Groups: members write, and nobody else. */
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
    const find = async (lock: string): Promise<Set<string>> => {
      const rows = await tx.query<{ conversation_id: number; user_id: number }[]>(
        // Joined with the groups: membership of a room is none of a group.
        `SELECT m.conversation_id, m.user_id FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id
         WHERE ${sql} ORDER BY m.conversation_id, m.user_id ${lock}`,
        values,
      );
      return new Set(rows.map(({ conversation_id, user_id }) => `${conversation_id}:${user_id}`));
    };
    const members = await find(forShareFree(tx));
    const isMissing = entries.some((entry) => !members.has(placeOf(entry)));
    const held = isMissing && canSkipLocked(tx) ? await find('') : new Set();
    for (const entry of entries) {
      if (members.has(placeOf(entry))) continue;
      if (held.has(placeOf(entry))) entry.hold(heldKey.mark(entry));
      else entry.refuse(new NotFound('chat group'));
    }
  }

  targetOf(_tx: EntityManager, conversationId: number): Promise<number> {
    return Promise.resolve(conversationId);
  }

  /** Members their own. */
  mayEdit(_tx: EntityManager, { me, senderId }: ChangeRequest<'group'>): Promise<void> {
    if (senderId !== me.userId) throw new Forbidden('Only who sent a message can edit it.');
    return Promise.resolve();
  }

  /** Members their own; the owner also those of others. */
  async mayDelete(tx: EntityManager, { me, target: groupId, senderId }: ChangeRequest<'group'>): Promise<void> {
    if (senderId === me.userId) return;
    if (!(await tx.existsBy(ChatGroup, { conversationId: groupId, ownerId: me.userId })))
      throw new Forbidden('Only who sent a message, or the owner of the group, can delete it.');
  }
}

const placeOf = ({ draft }: Entry<'group'>): string => `${draft.target}:${draft.sender.userId}`;
