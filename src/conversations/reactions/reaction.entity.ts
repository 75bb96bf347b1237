import { Entity, Index } from 'typeorm';
import { KeyColumn, VarcharKeyColumn } from '../../database/columns.js';

/** A user has reacted to a message with an emoji. It stays when they are removed from the group, or erase their account. */
@Entity('reactions', { withoutRowid: true })
@Index('ix_reactions_user', ['conversationId', 'userId', 'seq'])
export class Reaction {
  @KeyColumn('conversation_id')
  conversationId!: number;

  @KeyColumn('seq')
  seq!: number;

  /** As `canonicalEmoji` spells it. */
  @VarcharKeyColumn('emoji', 32)
  emoji!: string;

  @KeyColumn('user_id')
  userId!: number;
}
