import { Entity, Index, Unique } from 'typeorm';
import { GeneratedId, MomentColumn, NullableIntegerColumn, VarcharColumn } from '../database/columns.js';

/** A registration that waits for its link to be opened. */
@Entity('registrations')
@Unique('uq_registrations_token', ['tokenHash'])
@Index('ix_registrations_expires', ['expiresAt'])
@Index('ix_registrations_email', ['email', 'id'])
@Index('ix_registrations_user', ['userId'])
export class Registration {
  @GeneratedId()
  id!: number;

  /** SHA-256 of the token in the link, in hex, so that the link cannot be read from the database. */
  @VarcharColumn('token_hash', 64)
  tokenHash!: string;

  @VarcharColumn('email', 254)
  email!: string;

  @VarcharColumn('password_hash', 128)
  passwordHash!: string;

  @VarcharColumn('first_name', 80)
  firstName!: string;

  @VarcharColumn('last_name', 80)
  lastName!: string;

  @MomentColumn('expires_at')
  expiresAt!: Date;

  /** The account that the link has created; null until it is opened. */
  @NullableIntegerColumn('user_id')
  userId!: number | null;

  /** By which they register; null for none. */
  @NullableIntegerColumn('invite_id')
  inviteId!: number | null;
}
