import { Entity } from 'typeorm';
import {
  IntegerColumn,
  KeyColumn,
  MomentColumn,
  NullableIntegerColumn,
  TextColumn,
  VarcharColumn,
} from '../../database/columns.js';

/** One act of an admin's, a moderator's or the command line's. Rows are only added: see `AuditLog`. */
@Entity('audit_log')
export class AuditEntry {
  /** 1, 2, 3 … without a gap. */
  @KeyColumn('id')
  id!: number;

  @MomentColumn('at')
  at!: Date;

  /** Null: the command line, or the configuration. Stays after the end of the account. */
  @NullableIntegerColumn('actor_id')
  actorId!: number | null;

  @VarcharColumn('action', 32)
  action!: string;

  /** What it was done to: `user 7`, `group 3`, `report 12`. */
  @VarcharColumn('target', 64)
  target!: string;

  /** JSON. */
  @TextColumn('detail')
  detail!: string;

  /** SHA-256 of this row and of the hash before, in hex. */
  @VarcharColumn('hash', 64)
  hash!: string;
}

/** The end of the chain, in one row, which also decides whose turn it is to add to it. */
@Entity('audit_heads')
export class AuditHead {
  /** Always 1. */
  @KeyColumn('id')
  id!: number;

  /** Of the newest row of the log; 0 where there is none. */
  @IntegerColumn('last_id')
  lastId!: number;

  @VarcharColumn('hash', 64)
  hash!: string;
}
