import { Entity, Index } from 'typeorm';
import {
  GeneratedId,
  IntegerColumn,
  MomentColumn,
  NullableMomentColumn,
  References,
  VarcharColumn,
} from '../database/columns.js';
import { User } from './user.entity.js';

/** A login. Its id is the `sid` of the access token, so that the end of the session is the end of the token. */
@Entity('sessions')
@Index('ix_sessions_user', ['userId'])
@Index('ix_sessions_expires', ['expiresAt'])
export class Session {
  @GeneratedId()
  id!: number;

  @IntegerColumn('user_id')
  @References(() => User, 'fk_sessions_user')
  userId!: number;

  /** The beginning of the User-Agent header at login. */
  @VarcharColumn('device', 200)
  device!: string;

  @MomentColumn('created_at')
  createdAt!: Date;

  @MomentColumn('expires_at')
  expiresAt!: Date;

  @NullableMomentColumn('revoked_at')
  revokedAt!: Date | null;

  /** Until then, its user may use the routes of their role; null: they have not shown their password for that. */
  @NullableMomentColumn('elevated_until')
  elevatedUntil!: Date | null;
}
