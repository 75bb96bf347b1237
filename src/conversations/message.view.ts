import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { momentToIso } from '../database/dialect.js';
import type { MessageChanged } from '../domain-events/events.js';
import type { MessageChanged as MessageUpdate } from '../sockets/events.js';

/** A message as histories and lists show it. */
export class MessageView {
  @ApiProperty({ type: 'integer', description: '1, 2, 3 … without a gap within the chat, in the order of storing' })
  seq!: number;

  @ApiProperty({ type: 'integer', description: 'The sender' })
  user_id!: number;

  @ApiProperty({ description: 'As it was sent, or last edited; empty where it was deleted' })
  message!: string;

  @ApiProperty({ format: 'date-time', description: 'UTC; later than that of the message before' })
  timestamp!: string;

  @ApiPropertyOptional({ description: 'The id that the sender has given it' })
  client_id?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'When it was last edited' })
  edited_at?: string;

  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'It was deleted, and its text is gone' })
  deleted?: true;

  @ApiPropertyOptional({
    type: 'integer',
    description: 'Number of its latest edit or delete among those of the chat, for `changes_after`',
  })
  change?: number;
}

/** A message's row as it is read, without an entity: making one of each row costs more than all the rest of a page. */
export interface MessageRow {
  seq: number;
  sender_id: number;
  body: string;
  created_at: string | Date;
  client_id: string | null;
  change_seq: number | null;
  edited_at: string | Date | null;
  deleted_at: string | Date | null;
}

const COLUMNS = ['seq', 'sender_id', 'body', 'created_at', 'client_id', 'change_seq', 'edited_at', 'deleted_at'];

/** The columns that a view needs; `messages` is the table's alias in the statement. */
export const messageColumns = (messages: string): string => COLUMNS.map((column) => `${messages}.${column}`).join(', ');

export const toMessageView = (row: MessageRow): MessageView => ({
  seq: row.seq,
  user_id: row.sender_id,
  message: row.body,
  timestamp: momentToIso(row.created_at),
  ...(row.client_id !== null && { client_id: row.client_id }),
  ...(row.deleted_at !== null
    ? { deleted: true as const }
    : row.edited_at !== null && { edited_at: momentToIso(row.edited_at) }),
  ...(row.change_seq !== null && { change: row.change_seq }),
});

/** A change as it is published to sockets. */
export const toMessageUpdate = (event: MessageChanged): MessageUpdate => ({
  user_id: event.senderId,
  seq: event.seq,
  change: event.change,
  message: event.body,
  timestamp: event.createdAt.toISOString(),
  ...(event.deletedAt ? { deleted: true } : event.editedAt && { edited_at: event.editedAt.toISOString() }),
});
