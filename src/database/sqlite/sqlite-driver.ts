import { createRequire } from 'node:module';
import { StartError } from '../../common/start-error.js';

const require = createRequire(import.meta.url);

/** The driver of the embedded database that runs on this Node, as `npm ci` installed it. @throws StartError where it did not */
export function sqliteDriver(): typeof import('better-sqlite3') {
  try {
    return require('#sqlite') as typeof import('better-sqlite3');
  } catch (error) {
    throw driverProblem(error) ?? error;
  }
}

/** The sentence for operators where a driver is missing, or was built for another Node. */
export function driverProblem(error: unknown): StartError | undefined {
  const { message, code } = error as { message: string; code?: string };
  return /better.sqlite3|bindings file|NODE_MODULE_VERSION/i.test(message) && !code?.startsWith('SQLITE_')
    ? new StartError(
        `The driver of the embedded database is not installed for Node ${process.versions.node}. Run \`node drivers/install.mjs\` with this Node, or set DATABASE_URL.`,
      )
    : undefined;
}
