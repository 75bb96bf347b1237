import { Entity } from 'typeorm';
import { IntegerColumn, KeyColumn, NullableIntegerColumn, VarcharKeyColumn } from '../../database/columns.js';

/**
 * How far a consumer has come in a chat. Of a chat without a row it has seen nothing. The row of conversation 0 says that a consumer that
 * begins with what is new has begun: see `ConsumerMarks.begin`.
 */
@Entity('consumer_marks', { withoutRowid: true })
export class ConsumerMark {
  @KeyColumn('conversation_id')
  conversationId!: number;

  @VarcharKeyColumn('name', 64)
  name!: string;

  /** It is done with the messages up to this one. */
  @IntegerColumn('seq')
  seq!: number;

  /** It is done with the changes up to this one. */
  @IntegerColumn('change_seq')
  change!: number;

  /** The node that works on it: see `Claims`. */
  @NullableIntegerColumn('claimed_by')
  claimedBy!: number | null;
}
