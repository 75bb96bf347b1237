import { Entity } from 'typeorm';
import { KeyColumn } from '../../database/columns.js';

/** A message that was deleted, and whose many reactions are still being deleted: see `reaction-removal.ts`. */
@Entity('deleted_reactions', { withoutRowid: true })
export class DeletedReactions {
  @KeyColumn('conversation_id')
  conversationId!: number;

  @KeyColumn('seq')
  seq!: number;
}
