import { Table, type TableColumnOptions, type TableForeignKeyOptions, type TableOptions } from 'typeorm';

/*
 * Helpers for migrations, the same on both dialects. Migrations import no entity: entities change with the code, and what a migration did
 * must not.
 */

export const id = (): TableColumnOptions => ({
  name: 'id',
  type: 'integer',
  isPrimary: true,
  isGenerated: true,
  generationStrategy: 'increment',
});
export const key = (name: string): TableColumnOptions => ({ name, type: 'integer', isPrimary: true });
export const integer = (name: string): TableColumnOptions => ({ name, type: 'integer' });
export const varchar = (name: string, length: number): TableColumnOptions => ({
  name,
  type: 'varchar',
  length: String(length),
});
export const boolean = (name: string): TableColumnOptions => ({ name, type: 'boolean' });
export const text = (name: string): TableColumnOptions => ({ name, type: 'text' });
export const bytes = (name: string): TableColumnOptions => ({ name, type: 'blob' });
export const moment = (name: string): TableColumnOptions => ({ name, type: 'datetime', precision: 3 });
export const nullable = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });

// RESTRICT is given, since MariaDB reports it where nothing is given, and MySQL does not.
export const references = (name: string, column: string, table: string): TableForeignKeyOptions => ({
  name,
  columnNames: [column],
  referencedTableName: table,
  referencedColumnNames: ['id'],
  onDelete: 'RESTRICT',
  onUpdate: 'RESTRICT',
});

/**
 * A table whose texts are compared byte by byte: under a `_ci` collation `abC` and `ábc ` are one key on MySQL, and a server
 * without Debian's configuration defaults to latin1. TypeORM writes `engine` at the end of CREATE TABLE, so the charset goes there.
 */
export const table = (options: TableOptions): Table =>
  new Table({ ...options, engine: 'InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' });
