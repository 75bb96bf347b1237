import { Entity } from 'typeorm';
import {
  IntegerColumn,
  KeyColumn,
  NullableIntegerColumn,
  NullableTextColumn,
  NullableVarcharColumn,
} from '../database/columns.js';

/** What admins have set while the server runs: one row, or none before the first change. Null: the environment's holds. */
@Entity('settings')
export class StoredSettings {
  /** Always 1. */
  @KeyColumn('id')
  id!: number;

  /** One more with each change. */
  @IntegerColumn('version')
  version!: number;

  @NullableVarcharColumn('registration', 16)
  registration!: string | null;

  /** With commas between. */
  @NullableTextColumn('allowed_domains')
  allowedDomains!: string | null;

  @NullableIntegerColumn('registrations_per_hour')
  registrationsPerHour!: number | null;

  /** Empty: none, whatever the environment says. */
  @NullableTextColumn('motd')
  motd!: string | null;
}
