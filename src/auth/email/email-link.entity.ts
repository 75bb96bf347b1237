import { Entity, Index, Unique } from 'typeorm';
import {
  BooleanColumn,
  GeneratedId,
  MomentColumn,
  NullableIntegerColumn,
  References,
  VarcharColumn,
} from '../../database/columns.js';
import { User } from '../../identity/user.entity.js';

/**
 * A link that gives an account an address, once: the new one that its owner has asked for, or the former one, as the way back. Those that
 * wait are deleted when the address or the password changes; a way back when it, or an older one, is used; all, when the account gets a role.
 */
@Entity('email_links')
@Unique('uq_email_links_token', ['tokenHash'])
@Index('ix_email_links_user', ['userId', 'id'])
@Index('ix_email_links_email', ['email', 'id'])
@Index('ix_email_links_expires', ['expiresAt'])
export class EmailLink {
  @GeneratedId()
  id!: number;

  /** SHA-256 of the token in the link, in hex, so that the link cannot be read from the database. */
  @VarcharColumn('token_hash', 64)
  tokenHash!: string;

  /** Null where the address was not free: then the mail had no link, and the token is unknown to everybody. */
  @NullableIntegerColumn('user_id')
  @References(() => User, 'fk_email_links_user')
  userId!: number | null;

  /** The address that the account gets. */
  @VarcharColumn('email', 254)
  email!: string;

  /** The way back to an address that the account had. */
  @BooleanColumn('is_return')
  isReturn!: boolean;

  @MomentColumn('expires_at')
  expiresAt!: Date;
}
