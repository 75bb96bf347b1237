import { Entity, Unique } from 'typeorm';
import { User } from '../identity/user.entity.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { IntegerColumn, KeyColumn, References } from '../database/columns.js';

/** What only a direct room has: its two users, the lower id first, so that no two users have a second room. */
@Entity('chat_rooms')
@Unique('uq_chat_rooms_pair', ['userLow', 'userHigh'])
export class ChatRoom {
  @KeyColumn('conversation_id')
  @References(() => Conversation, 'fk_chat_rooms_conversation')
  conversationId!: number;

  @IntegerColumn('user_low')
  @References(() => User, 'fk_chat_rooms_user_low')
  userLow!: number;

  @IntegerColumn('user_high')
  @References(() => User, 'fk_chat_rooms_user_high')
  userHigh!: number;
}
