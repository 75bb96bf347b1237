import { Entity, Index, Unique } from 'typeorm';
import { GeneratedId, IntegerColumn, MomentColumn, References, VarcharColumn } from '../database/columns.js';
import { User } from '../identity/user.entity.js';

/**
 * A password that was replaced by whoever had a session, without `current_password`: it comes back with the link that was sent about
 * it. Deleted when it does, when one is set by mail, with the account, and when the link has expired.
 */
@Entity('replaced_passwords')
@Unique('uq_replaced_passwords_token', ['tokenHash'])
@Index('ix_replaced_passwords_user', ['userId', 'id'])
@Index('ix_replaced_passwords_expires', ['expiresAt'])
export class ReplacedPassword {
  @GeneratedId()
  id!: number;

  /** SHA-256 of the token in the link, in hex: whoever reads the database cannot open the link. */
  @VarcharColumn('token_hash', 64)
  tokenHash!: string;

  @IntegerColumn('user_id')
  @References(() => User, 'fk_replaced_passwords_user')
  userId!: number;

  /** The last one that nobody doubts: of several that were replaced, the oldest. */
  @VarcharColumn('password_hash', 128)
  passwordHash!: string;

  @MomentColumn('expires_at')
  expiresAt!: Date;
}
