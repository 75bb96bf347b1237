import { Entity } from 'typeorm';
import type { ChatKindName } from '../domain-events/events.js';
import {
  GeneratedId,
  IntegerColumn,
  MomentColumn,
  NullableIntegerColumn,
  NullableMomentColumn,
  VarcharColumn,
} from '../database/columns.js';

export type ConversationKind = ChatKindName;

/** A chat of any kind. Its id is the `chat_room_id` or `chat_group_id` that clients see. */
@Entity('conversations')
export class Conversation {
  @GeneratedId()
  id!: number;

  @VarcharColumn('kind', 8)
  kind!: ConversationKind;

  /** Number of its newest message; 0 where there is none. */
  @IntegerColumn('last_seq')
  lastSeq!: number;

  /** Number of the latest edit or delete in it; null where there was none. */
  @NullableIntegerColumn('last_change')
  lastChange!: number | null;

  /** Timestamp of its newest message. The next one is later, whatever the clock says. */
  @NullableMomentColumn('last_message_at')
  lastMessageAt!: Date | null;

  @MomentColumn('created_at')
  createdAt!: Date;
}
