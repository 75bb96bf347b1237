import { Entity, Index, Unique } from 'typeorm';
import { GeneratedId, MomentColumn, NullableMomentColumn, VarcharColumn } from '../database/columns.js';

@Entity('users')
@Unique('uq_users_email', ['email'])
@Index('ix_users_first_name', ['firstNameKey', 'id'])
@Index('ix_users_last_name', ['lastNameKey', 'id'])
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

  /** Names as they are searched: see `nameKey`. */
  @VarcharColumn('first_name_key', 240)
  firstNameKey!: string;

  @VarcharColumn('last_name_key', 240)
  lastNameKey!: string;

  @MomentColumn('created_at')
  createdAt!: Date;

  /** When the last socket closed; null for one who was never here, or is here for the first time. */
  @NullableMomentColumn('last_seen')
  lastSeen!: Date | null;

  @NullableMomentColumn('erased_at')
  erasedAt!: Date | null;
}

/** Names are found by their beginning, whatever their case. */
export const nameKey = (name: string): string => name.normalize('NFKC').toLowerCase().slice(0, 240);

/** The four columns of a name. */
export const nameColumns = (firstName: string, lastName: string) => ({
  firstName,
  lastName,
  firstNameKey: nameKey(firstName),
  lastNameKey: nameKey(lastName),
});

/** How a person is shown who has erased their account. */
export const ERASED_NAME = { firstName: 'deleted', lastName: 'user' };
