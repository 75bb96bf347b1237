import { Entity, Unique } from 'typeorm';
import { User } from '../identity/user.entity.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { IntegerColumn, KeyColumn, References } from '../database/columns.js';

/** A user's chat with the bot; made by their first question. */
@Entity('bot_chats')
@Unique('uq_bot_chats_user', ['userId'])
export class BotChat {
  @KeyColumn('conversation_id')
  @References(() => Conversation, 'fk_bot_chats_conversation')
  conversationId!: number;

  @IntegerColumn('user_id')
  @References(() => User, 'fk_bot_chats_user')
  userId!: number;
}
