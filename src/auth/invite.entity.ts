import { Entity, Index, Unique } from 'typeorm';
import {
  GeneratedId,
  IntegerColumn,
  MomentColumn,
  NullableIntegerColumn,
  NullableMomentColumn,
  NullableVarcharColumn,
  VarcharColumn,
} from '../database/columns.js';

/** Longest note of an invitation, in characters. */
export const MAX_NOTE = 200;
/** Most groups that one leads into. */
export const MOST_GROUPS = 20;

/** Lets so many people register, whoever else may. */
@Entity('invites')
@Unique('uq_invites_token', ['tokenHash'])
@Index('ix_invites_ends', ['endsAt'])
@Index('ix_invites_created_by', ['createdBy'])
export class Invite {
  @GeneratedId()
  id!: number;

  /** SHA-256 of the token in the link, in hex, so that the link cannot be read from the database. */
  @VarcharColumn('token_hash', 64)
  tokenHash!: string;

  @IntegerColumn('max_uses')
  maxUses!: number;

  /** Accounts that it has made. */
  @IntegerColumn('uses')
  uses!: number;

  /** Groups that it leads into, with commas between; null: none. */
  @NullableVarcharColumn('group_ids', 255)
  groupIds!: string | null;

  /** For admins: whom it is for. */
  @NullableVarcharColumn('note', MAX_NOTE)
  note!: string | null;

  /** Null: the command line, or somebody whose account is erased. */
  @NullableIntegerColumn('created_by')
  createdBy!: number | null;

  @MomentColumn('created_at')
  createdAt!: Date;

  @MomentColumn('expires_at')
  expiresAt!: Date;

  @NullableMomentColumn('revoked_at')
  revokedAt!: Date | null;

  /** When it ended, or will: whichever comes first of its last use, its revocation and `expiresAt`. */
  @MomentColumn('ends_at')
  endsAt!: Date;
}
