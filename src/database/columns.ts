import { Column, ForeignKey, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';

/*
 * The column types that mean the same on SQLite, MySQL and MariaDB. Entities use these and no others: TypeORM would report `int` as a
 * difference to the schema for ever on SQLite, and a `datetime` without (3) loses the milliseconds on MySQL.
 */

/** A number that the database counts up. */
export const GeneratedId = () => PrimaryGeneratedColumn({ type: 'integer' });

/** Part of a primary key that is the id of another row, or a number of our own. */
export const KeyColumn = (name: string) => PrimaryColumn({ type: 'integer', name });

export const IntegerColumn = (name: string) => Column({ type: 'integer', name });
export const NullableIntegerColumn = (name: string) => Column({ type: 'integer', name, nullable: true });

/** Yes or no; 0 or 1 in statements of our own. */
export const BooleanColumn = (name: string) => Column({ type: 'boolean', name });

/** Text of at most `length` characters, compared byte by byte. */
export const VarcharColumn = (name: string, length: number) => Column({ type: 'varchar', name, length });
/** The same as part of a primary key. */
export const VarcharKeyColumn = (name: string, length: number) => PrimaryColumn({ type: 'varchar', name, length });
export const NullableVarcharColumn = (name: string, length: number) =>
  Column({ type: 'varchar', name, length, nullable: true });

/** Text of at most 65,535 bytes. */
export const TextColumn = (name: string) => Column({ type: 'text', name });
export const NullableTextColumn = (name: string) => Column({ type: 'text', name, nullable: true });

/** At most 65,535 bytes. */
export const BytesColumn = (name: string) => Column({ type: 'blob', name });

/** A moment in UTC, to the millisecond. */
export const MomentColumn = (name: string) => Column({ type: 'datetime', precision: 3, name });
export const NullableMomentColumn = (name: string) => Column({ type: 'datetime', precision: 3, name, nullable: true });

/** The id of another row, which must exist. RESTRICT is given, since MariaDB reports it where nothing is given, and MySQL does not. */
export const References = (target: () => new () => object, name: string) =>
  ForeignKey(target, { name, onDelete: 'RESTRICT', onUpdate: 'RESTRICT' });
