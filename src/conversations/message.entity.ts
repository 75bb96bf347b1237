import { Entity, Unique } from 'typeorm';
import {
  IntegerColumn,
  KeyColumn,
  MomentColumn,
  NullableIntegerColumn,
  NullableMomentColumn,
  NullableVarcharColumn,
  TextColumn,
} from '../database/columns.js';

/** One message is one row, however many receive it. A page of history is one range of the primary key. */
@Entity('messages', { withoutRowid: true })
@Unique('uq_messages_client_id', ['conversationId', 'senderId', 'clientId'])
export class Message {
  @KeyColumn('conversation_id')
  conversationId!: number;

  /** 1, 2, 3 … without a gap within the conversation, in commit order. */
  @KeyColumn('seq')
  seq!: number;

  @IntegerColumn('sender_id')
  senderId!: number;

  /** As it was sent, or edited; empty once it is deleted. */
  @TextColumn('body')
  body!: string;

  /** Later than that of the message before, by at least a millisecond: the order of times is the order of numbers. */
  @MomentColumn('created_at')
  createdAt!: Date;

  /** The sender's own name for it: a repeat is found by it. */
  @NullableVarcharColumn('client_id', 64)
  clientId!: string | null;

  /** Number of its latest edit or delete among those of the conversation; null for never. (`change` is a word of MySQL's own.) */
  @NullableIntegerColumn('change_seq')
  change!: number | null;

  @NullableMomentColumn('edited_at')
  editedAt!: Date | null;

  /** It keeps its number, and its text is gone. */
  @NullableMomentColumn('deleted_at')
  deletedAt!: Date | null;
}
