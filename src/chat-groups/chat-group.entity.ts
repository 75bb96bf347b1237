import { Column, Entity } from 'typeorm';
import { User } from '../identity/user.entity.js';
import { Conversation } from '../conversations/conversation.entity.js';
import {
  BooleanColumn,
  IntegerColumn,
  KeyColumn,
  NullableMomentColumn,
  References,
  VarcharColumn,
} from '../database/columns.js';

/** What only a group has. */
@Entity('chat_groups')
export class ChatGroup {
  @KeyColumn('conversation_id')
  @References(() => Conversation, 'fk_chat_groups_conversation')
  conversationId!: number;

  @VarcharColumn('name', 100)
  name!: string;

  @IntegerColumn('owner_id')
  @References(() => User, 'fk_chat_groups_owner')
  ownerId!: number;

  /** Nobody becomes a member by entering. */
  @BooleanColumn('is_private')
  isPrivate!: boolean;

  /** Changed only while this row is locked, together with the members themselves. */
  @IntegerColumn('member_count')
  memberCount!: number;

  /** An admin has frozen it: its members read, and nobody but admins changes anything in it. */
  @Column({ type: 'boolean', name: 'is_frozen', default: false })
  isFrozen!: boolean;

  /** When a member other than the owner has last named everyone. */
  @NullableMomentColumn('everyone_at')
  everyoneAt!: Date | null;
}
