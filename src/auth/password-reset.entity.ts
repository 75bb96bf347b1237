import { Entity, Index, Unique } from 'typeorm';
import { GeneratedId, MomentColumn, NullableIntegerColumn, References, VarcharColumn } from '../database/columns.js';
import { User } from '../identity/user.entity.js';

/** A link that sets a new password, once. Deleted when it or another one of its account is used. */
@Entity('password_resets')
@Unique('uq_password_resets_token', ['tokenHash'])
@Index('ix_password_resets_user', ['userId'])
@Index('ix_password_resets_expires', ['expiresAt'])
export class PasswordReset {
  @GeneratedId()
  id!: number;

  /** SHA-256 of the token in the link, in hex, so that the link cannot be read from the database. */
  @VarcharColumn('token_hash', 64)
  tokenHash!: string;

  /** Null where the address had no account: then no mail was sent, and the token is unknown to everybody. */
  @NullableIntegerColumn('user_id')
  @References(() => User, 'fk_password_resets_user')
  userId!: number | null;

  @MomentColumn('expires_at')
  expiresAt!: Date;
}
