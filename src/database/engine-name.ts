import type { DataSource } from 'typeorm';

const NAMES: Partial<Record<string, string>> = { 'better-sqlite3': 'SQLite', mariadb: 'MariaDB', mysql: 'MySQL' };

/** What `source` is connected to, as people call it: by what the server says of itself, and not by the address. */
export const engineName = ({ options: { type } }: Pick<DataSource, 'options'>): string => NAMES[type] ?? type;
