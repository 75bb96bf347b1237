import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { NotFound } from '../common/errors.js';
import { type Entry, heldKey, type KindRules } from '../conversations/draft.js';
import { MessageLog } from '../conversations/message-log.js';
import { canSkipLocked, forShareFree, inTuples } from '../database/dialect.js';

/** What the message log needs to know about groups: members write, and nobody else. */
@Injectable()
export class GroupRules implements KindRules<number>, OnModuleInit {
  constructor(private readonly log: MessageLog) {}

  onModuleInit(): void {
    this.log.register('group', this);
  }

  locate(_tx: EntityManager, entries: Entry<number>[]): Promise<void> {
    for (const entry of entries) entry.conversationId = entry.draft.target;
    return Promise.resolve();
  }

  async authorize(tx: EntityManager, entries: Entry<number>[]): Promise<void> {
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
}

const placeOf = ({ draft }: Entry<number>): string => `${draft.target}:${draft.sender.userId}`;
