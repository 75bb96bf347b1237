import { MessageField } from '../common/fields.js';
import type { MentionsRequest } from './extras.js';
import { MentionsField } from './extras.fields.js';

/** What a message says from now on. */
export class EditMessage {
  @MessageField('Stored as sent, in place of what the message said')
  message!: string;

  @MentionsField('Whom it goes on to name: an edit takes mentions back, and names nobody anew. Without it, all stay')
  mentions?: MentionsRequest | null;
}
