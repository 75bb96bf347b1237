import { MessageField } from '../common/fields.js';

/** What a message says from now on. */
export class EditMessage {
  @MessageField('Stored as sent, in place of what the message said')
  message!: string;
}
