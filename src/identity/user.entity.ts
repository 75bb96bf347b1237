import { Entity, Index, Unique } from 'typeorm';
import { fold } from '../common/text/folding.js';
import {
  GeneratedId,
  MomentColumn,
  NullableMomentColumn,
  NullableVarcharColumn,
  VarcharColumn,
} from '../database/columns.js';
import type { Role } from './roles.js';

/** Characters. */
const NAME_KEY_LENGTH = 240;

@Entity('users')
@Unique('uq_users_email', ['email'])
@Index('ix_users_first_name', ['firstNameKey', 'id'])
@Index('ix_users_last_name', ['lastNameKey', 'id'])
@Index('ix_users_role', ['role', 'id'])
@Index('ix_users_suspended', ['suspendedAt', 'id'])
export class User {
  @GeneratedId()
  id!: number;

  /** Lower case, domain in punycode. */
  @VarcharColumn('email', 254)
  email!: string;

  /** argon2id, in its own notation. */
  @VarcharColumn('password_hash', 128)
  passwordHash!: string;

  @VarcharColumn('first_name', 80)
  firstName!: string;

  @VarcharColumn('last_name', 80)
  lastName!: string;

  /** The whole name in the form that is searched, the first name first: see `nameKey`. */
  @VarcharColumn('first_name_key', NAME_KEY_LENGTH)
  firstNameKey!: string;

  /** The same with the last name first. */
  @VarcharColumn('last_name_key', NAME_KEY_LENGTH)
  lastNameKey!: string;

  @MomentColumn('created_at')
  createdAt!: Date;

  /** When the last socket closed; null before the first one has. */
  @NullableMomentColumn('last_seen')
  lastSeen!: Date | null;

  @NullableMomentColumn('erased_at')
  erasedAt!: Date | null;

  /** Null for a person like most. */
  @NullableVarcharColumn('role', 16)
  role!: Exclude<Role, 'person'> | null;

  /** Since when the user is suspended; null: they are not. */
  @NullableMomentColumn('suspended_at')
  suspendedAt!: Date | null;
}

/** Names are found by their beginning. Folding can make them longer: what is cut off cannot be searched. */
export const nameKey = (name: string): string => Array.from(fold(name)).slice(0, NAME_KEY_LENGTH).join('');

/** The four columns of a name. */
export const nameColumns = (firstName: string, lastName: string) => ({
  firstName,
  lastName,
  firstNameKey: nameKey(`${firstName} ${lastName}`),
  lastNameKey: nameKey(`${lastName} ${firstName}`),
});

/** How the user of an erased account is shown. */
export const ERASED_NAME = { firstName: 'deleted', lastName: 'user' };
