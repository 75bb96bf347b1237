import { Entity, Index } from 'typeorm';
import { User } from '../../identity/user.entity.js';
import { Conversation } from '../../conversations/conversation.entity.js';
import { KeyColumn, MomentColumn, References } from '../../database/columns.js';

/** A user has given up membership. They come back by entering or by asking for access; the owner cannot add them. */
@Entity('group_departures', { withoutRowid: true })
@Index('ix_group_departures_user', ['userId'])
export class GroupDeparture {
  @KeyColumn('conversation_id')
  @References(() => Conversation, 'fk_group_departures_conversation')
  conversationId!: number;

  @KeyColumn('user_id')
  @References(() => User, 'fk_group_departures_user')
  userId!: number;

  @MomentColumn('left_at')
  leftAt!: Date;
}
