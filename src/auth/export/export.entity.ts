import { Column, Entity, Index, Unique } from 'typeorm';
import {
  BytesColumn,
  GeneratedId,
  IntegerColumn,
  KeyColumn,
  MomentColumn,
  NullableIntegerColumn,
  NullableMomentColumn,
  NullableVarcharColumn,
  References,
  VarcharColumn,
} from '../../database/columns.js';
import { User } from '../../identity/user.entity.js';

/**
 * `waiting`: to be made. `ready`: its link is good. `ended`: nobody gets it any more, and its bytes are still to be deleted. `removed`: they
 * are; the row stays for a while, since there is one export a day, and so that an old link says "expired".
 */
export type ExportState = 'waiting' | 'ready' | 'ended' | 'removed';

/** An export of what is a person's own. Of one person, at most one is `waiting` or `ready`. */
@Entity('exports')
@Unique('uq_exports_token', ['tokenHash'])
@Index('ix_exports_user', ['userId', 'id'])
@Index('ix_exports_state', ['state', 'id'])
export class Export {
  @GeneratedId()
  id!: number;

  /** Null: their account was erased. */
  @NullableIntegerColumn('user_id')
  @References(() => User, 'fk_exports_user')
  userId!: number | null;

  @VarcharColumn('state', 8)
  state!: ExportState;

  /** SHA-256 of the token in the link, in hex. Null before there is a link, and once it was taken back. */
  @NullableVarcharColumn('token_hash', 64)
  tokenHash!: string | null;

  @MomentColumn('created_at')
  createdAt!: Date;

  @NullableMomentColumn('ready_at')
  readyAt!: Date | null;

  @NullableMomentColumn('expires_at')
  expiresAt!: Date | null;

  /** Bytes of its parts so far. */
  @IntegerColumn('size')
  size!: number;

  @IntegerColumn('downloads')
  downloads!: number;

  /** How often it was begun. */
  @IntegerColumn('tries')
  tries!: number;

  /** Not begun again before. */
  @MomentColumn('next_try_at')
  nextTryAt!: Date;

  /** Asked for by those who run the server, and not by the person themselves. */
  @Column({ type: 'boolean', name: 'by_operator', default: false })
  byOperator!: boolean;
}

/** A piece of the zip file of an export: in the database, so that any node gives it out. */
@Entity('export_parts')
export class ExportPart {
  @KeyColumn('export_id')
  @References(() => Export, 'fk_export_parts_export')
  exportId!: number;

  /** 0, 1, 2 … without a gap. */
  @KeyColumn('part')
  part!: number;

  @BytesColumn('bytes')
  bytes!: Buffer;
}
