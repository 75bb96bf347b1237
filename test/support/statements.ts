import { Database } from '../../src/database/data-source.js';
import type { TestApp } from './app.js';

export type Statement = [sql: string, values: unknown[]];

/** What is asked of the database while something is done, as far as its SQL matches. */
export async function statementsOf(app: TestApp, which: RegExp, work: () => Promise<unknown>): Promise<Statement[]> {
  const asked: Statement[] = [];
  const { reader } = app.get(Database);
  const sources = [...new Set([reader, app.database])];
  const loggers = sources.map(({ logger }) => logger);
  const logQuery = (sql: string, values?: unknown[]) => void asked.push([sql, values ?? []]);
  for (const source of sources)
    source.logger = Object.assign(Object.create(source.logger), { logQuery, logQueryError() {}, logQuerySlow() {} });
  await work();
  sources.forEach((source, i) => (source.logger = loggers[i]!));
  return asked.filter(([sql]) => which.test(sql));
}
