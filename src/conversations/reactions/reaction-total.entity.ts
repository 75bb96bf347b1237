import { Entity } from 'typeorm';
import { IntegerColumn, KeyColumn, VarcharKeyColumn } from '../../database/columns.js';

/** How many have reacted to a message with an emoji: written with the rows of `reactions`, so that a page of history need not count them. */
@Entity('reaction_totals', { withoutRowid: true })
export class ReactionTotal {
  @KeyColumn('conversation_id')
  conversationId!: number;

  @KeyColumn('seq')
  seq!: number;

  @VarcharKeyColumn('emoji', 32)
  emoji!: string;

  /** At least 1. */
  @IntegerColumn('total')
  total!: number;

  /** Number of the chat's change by which the emoji came to the message: emoji are shown in this order. */
  @IntegerColumn('first_change')
  firstChange!: number;
}
