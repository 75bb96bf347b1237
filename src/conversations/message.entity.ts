import { Entity, Unique } from 'typeorm';
import {
  IntegerColumn,
  KeyColumn,
  MomentColumn,
  NullableIntegerColumn,
  NullableMomentColumn,
  NullableTextColumn,
  NullableVarcharColumn,
  TextColumn,
} from '../database/columns.js';

/** A message is one row, however many users receive it. A page of history is one range of the primary key. */
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

  /** As it was sent, or last edited; empty once it is deleted. */
  @TextColumn('body')
  body!: string;

  /** Later than that of the message before by at least a millisecond, so that times have the order of the numbers. */
  @MomentColumn('created_at')
  createdAt!: Date;

  /** The sender's own id for it, by which a repeat is found. */
  @NullableVarcharColumn('client_id', 64)
  clientId!: string | null;

  /** What it says beside its text, as JSON: see `Extras`. Null for a plain message, and once it is deleted. */
  @NullableTextColumn('extras')
  extras!: string | null;

  /** Number of its latest change in the conversation (edit, deletion, reactions); null where there was none. (`change` is a reserved word of MySQL.) */
  @NullableIntegerColumn('change_seq')
  change!: number | null;

  @NullableMomentColumn('edited_at')
  editedAt!: Date | null;

  /** A deleted message keeps its number and loses its text. */
  @NullableMomentColumn('deleted_at')
  deletedAt!: Date | null;
}
