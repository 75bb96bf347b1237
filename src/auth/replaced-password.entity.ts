import { Entity, Index, Unique } from 'typeorm';
import { GeneratedId, IntegerColumn, MomentColumn, References, VarcharColumn } from '../database/columns.js';
import { User } from '../identity/user.entity.js';

/**
 * A password that was replaced by a session without `current_password`: it can be restored with a link that was sent by mail. Deleted when
 * it is restored, when a password is set by mail, with the account, and when the link has expired.
 */
@Entity('replaced_passwords')
@Unique('uq_replaced_passwords_token', ['tokenHash'])
@Index('ix_replaced_passwords_user', ['userId', 'id'])
@Index('ix_replaced_passwords_expires', ['expiresAt'])
export class ReplacedPassword {
  @GeneratedId()
  id!: number;

  /** SHA-256 of the token in the link, in hex, so that the link cannot be read from the database. */
  @VarcharColumn('token_hash', 64)
  tokenHash!: string;

  @IntegerColumn('user_id')
  @References(() => User, 'fk_replaced_passwords_user')
  userId!: number;

  /** The last password that is known to be the owner's: of several that were replaced, the oldest. */
  @VarcharColumn('password_hash', 128)
  passwordHash!: string;

  @MomentColumn('expires_at')
  expiresAt!: Date;
}
