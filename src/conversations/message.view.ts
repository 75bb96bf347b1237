import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Message } from './message.entity.js';

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

export const toMessageView = ({ seq, senderId, body, createdAt, clientId }: Message): MessageView => ({
  seq,
  user_id: senderId,
  message: body,
  timestamp: createdAt.toISOString(),
  ...(clientId !== null && { client_id: clientId }),
});
