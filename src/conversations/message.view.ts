import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { chunks } from '../database/chunks.js';
import { momentToIso } from '../database/dialect.js';
import type { MessageChanged } from '../domain-events/events.js';
import type { Extras, QuotedMessage } from '../domain-events/message-extras.js';
import type { MessageChanged as MessageUpdate, ReactionsChanged } from '../sockets/events.js';
import { MOST_CHANGED } from '../sockets/events/message-updates.js';
import { MentionedPeople, Quote } from '../sockets/events/messages.js';
import { ReactionView } from '../sockets/events/reactions.js';
import { mentionsOf, parseExtras } from './extras.js';

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
    description: 'Number of its latest change (edit, delete, reactions) among those of the chat, for `changes_after`',
  })
  change?: number;

  @ApiPropertyOptional({ type: Quote, description: 'The message that it answers' })
  reply_to?: Quote;

  @ApiPropertyOptional({ type: MentionedPeople, description: 'Whom it names' })
  mentions?: MentionedPeople;

  @ApiPropertyOptional({
    type: [ReactionView],
    minItems: 1,
    description: 'Missing where it has none; in the order in which they came to it',
  })
  reactions?: ReactionView[];
}

/** A message's row as it is read, without an entity: making one of each row costs more than all the rest of a page. */
export interface MessageRow {
  seq: number;
  sender_id: number;
  body: string;
  created_at: string | Date;
  client_id: string | null;
  /** JSON: see `Extras`. */
  extras: string | null;
  change_seq: number | null;
  edited_at: string | Date | null;
  deleted_at: string | Date | null;
}

const COLUMNS = [
  'seq',
  'sender_id',
  'body',
  'created_at',
  'client_id',
  'extras',
  'change_seq',
  'edited_at',
  'deleted_at',
];

/** The columns that a view needs; `messages` is the table's alias in the statement. */
export const messageColumns = (messages: string): string => COLUMNS.map((column) => `${messages}.${column}`).join(', ');

/** @param quote of the message that it answers */
export const toMessageView = (
  row: MessageRow,
  quote: QuotedMessage | undefined,
  reactions: readonly ReactionView[],
): MessageView => ({
  seq: row.seq,
  user_id: row.sender_id,
  message: row.body,
  timestamp: momentToIso(row.created_at),
  ...(row.client_id !== null && { client_id: row.client_id }),
  ...(row.deleted_at !== null
    ? { deleted: true as const }
    : row.edited_at !== null && { edited_at: momentToIso(row.edited_at) }),
  ...(row.change_seq !== null && { change: row.change_seq }),
  ...(row.extras !== null && toExtraFields(parseExtras(row.extras), quote)),
  ...(reactions.length > 0 && { reactions: [...reactions] }),
});

/** What a message says beside its text, as clients see it. */
export function toExtraFields(
  extras: Extras | undefined,
  quote: QuotedMessage | undefined,
): { reply_to?: QuotedMessage; mentions?: MentionedPeople } {
  const mentions = mentionsOf(extras);
  return { ...(quote && { reply_to: quote }), ...(mentions && { mentions }) };
}

const toMessageNow = (event: MessageChanged) => ({
  user_id: event.senderId,
  seq: event.seq,
  change: event.change,
  message: event.body,
  timestamp: event.createdAt.toISOString(),
  ...(event.editedAt && !event.deletedAt && { edited_at: event.editedAt.toISOString() }),
  ...toExtraFields(event.extras, event.quote),
});

/** An edit or a deletion as it is published to sockets. */
export const toMessageUpdate = (event: MessageChanged): MessageUpdate => ({
  ...toMessageNow(event),
  ...(event.deletedAt && { deleted: true }),
  ...(event.reactions.length > 0 && { reactions: [...event.reactions] }),
});

/** Reactions as they are published to sockets: in more than one event where very many have reacted at once. */
export function toReactionsChanged(event: MessageChanged): ReactionsChanged[] {
  const changed = (event.reacted ?? []).map(({ userId, emoji, isOn }) => ({ user_id: userId, emoji, is_on: isOn }));
  const now = { ...toMessageNow(event), reactions: [...event.reactions] };
  return [...chunks(changed, MOST_CHANGED)].map((some) => ({ ...now, changed: some }));
}
