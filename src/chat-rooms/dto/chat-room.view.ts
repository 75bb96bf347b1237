import { ApiProperty } from '@nestjs/swagger';
import { PersonView } from '../../people/person.view.js';
import { ListedSettings } from '../../conversations/member-settings.js';
import { MessageView } from '../../conversations/message.view.js';
import { UnreadMentionsField } from '../../conversations/extras.fields.js';

export class ChatRoomView extends ListedSettings {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty()
  other_user!: PersonView;

  @ApiProperty({ type: MessageView, nullable: true })
  last_message!: MessageView | null;

  @ApiProperty({ type: 'integer', description: 'seq of the newest message' })
  last_seq!: number;

  @ApiProperty({ type: 'integer', description: 'Number of the latest change; 0 where there was none' })
  last_change!: number;

  @ApiProperty({ type: 'integer', description: 'The caller has read up to here' })
  last_read_seq!: number;

  @ApiProperty({ type: 'integer', description: 'The other one has read up to here' })
  other_last_read_seq!: number;

  @ApiProperty({ type: 'integer' })
  unread_count!: number;

  @UnreadMentionsField()
  unread_mentions?: number;
}
