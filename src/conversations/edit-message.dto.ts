import { TextField } from '../common/fields.js';
import { MAX_MESSAGE } from './draft.js';

/** What a message says from now on. */
export class EditMessage {
  @TextField({ description: 'Stored as sent, in place of what the message said', max: MAX_MESSAGE })
  message!: string;
}
