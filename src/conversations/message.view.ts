import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { momentToIso } from '../database/dialect.js';

/** A message as histories and lists show it. */
export class MessageView {
  @ApiProperty({ type: 'integer', description: '1, 2, 3 … without a gap within the chat, in the order of storing' })
  seq!: number;

  @ApiProperty({ type: 'integer', description: 'The sender' })
  user_id!: number;

  @ApiProperty({ description: 'As it was sent' })
  message!: string;

  @ApiProperty({ format: 'date-time', description: 'UTC; later than that of the message before' })
  timestamp!: string;

  @ApiPropertyOptional({ description: 'As its sender named it' })
  client_id?: string;
}

/** A message as it is read: by hand, since making an entity of each costs more than all the rest of a page. */
export interface MessageRow {
  seq: number;
  sender_id: number;
  body: string;
  created_at: string | Date;
  client_id: string | null;
}

export const toMessageView = ({ seq, sender_id, body, created_at, client_id }: MessageRow): MessageView => ({
  seq,
  user_id: sender_id,
  message: body,
  timestamp: momentToIso(created_at),
  ...(client_id !== null && { client_id }),
});
