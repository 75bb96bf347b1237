import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { PersonView } from '../../people/person.view.js';
import { IntegerField, NameField } from '../../common/fields.js';
import { ListedSettings } from '../../conversations/member-settings.js';
import { MessageView } from '../../conversations/message.view.js';
import { UnreadMentionsField } from '../../conversations/extras.fields.js';

/** Longest name of a group, in characters. */
export const MAX_GROUP_NAME = 100;

const GROUP_NAME = { description: "The group's name", max: MAX_GROUP_NAME };

export class CreateGroup {
  @NameField(GROUP_NAME)
  chat_group_name!: string;

  @IntegerField({ description: "The caller's own id, where it is sent", optional: true })
  author_id?: number | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true, description: 'Entering does not make members' })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  is_private?: boolean | null;
}

/** `PUT /chat_groups/{id}`: either field, or both. */
export class ChangeGroup {
  @NameField({ ...GROUP_NAME, optional: true })
  chat_group_name?: string | null;

  @IntegerField({ description: 'The member who owns the group from now on', optional: true })
  owner_id?: number | null;
}

/** `PUT /chat_groups`, which names the group in its body. */
export class UpdateGroup extends ChangeGroup {
  @IntegerField({ description: 'Which group' })
  chat_group_id!: number;
}

export class AddMember {
  @IntegerField({ description: 'Who becomes a member' })
  user_id!: number;
}

export class EnterRequest {
  @ApiProperty({ description: 'true enters, false leaves' })
  @IsBoolean({ message: 'must be true or false' })
  is_enter!: boolean;
}

export class ChatGroupView extends ListedSettings {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: 'integer' })
  owner_id!: number;

  @ApiProperty()
  is_private!: boolean;

  @ApiPropertyOptional({
    type: 'boolean',
    enum: [true],
    description: 'Admins have frozen it: it can only be read. Missing for those outside a private group',
  })
  is_frozen?: true;

  @ApiProperty({ description: 'The caller is a member' })
  is_member!: boolean;

  @ApiProperty({ description: 'The caller is in it right now: its messages come as they are written' })
  is_in!: boolean;

  @ApiProperty({
    type: String,
    enum: ['pending', 'refused'],
    nullable: true,
    description:
      'The caller has asked to be let in, and waits (pending), or was refused and may not ask again yet (refused); else null',
  })
  my_request!: 'pending' | 'refused' | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'null for those outside a private group, and for those removed',
  })
  member_count!: number | null;

  @ApiProperty({
    type: MessageView,
    nullable: true,
    description: 'null for those outside a private group, and for those removed',
  })
  last_message!: MessageView | null;

  @ApiProperty({ type: 'integer', description: 'seq of the newest message; 0 where last_message is null' })
  last_seq!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Number of the latest change; 0 for those outside a private group',
  })
  last_change!: number;

  @ApiProperty({ type: 'integer', description: 'The caller has read up to here' })
  last_read_seq!: number;

  @ApiProperty({ type: 'integer' })
  unread_count!: number;

  @UnreadMentionsField()
  unread_mentions?: number;
}

export class GroupMemberView extends PersonView {
  @ApiProperty()
  is_in_group!: boolean;

  @ApiProperty({ enum: ['owner', 'member'] })
  role!: 'owner' | 'member';

  @ApiProperty({ type: 'integer', description: 'They have read up to here' })
  last_read_seq!: number;
}
