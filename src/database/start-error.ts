/** Something outside the program keeps it from starting; the message is one line that names the cure. */
export class StartError extends Error {}

/** The embedded database's driver is a native module, which npm builds only where it may run install scripts. */
export function driverProblem(error: unknown): StartError | undefined {
  const { message, code } = error as { message: string; code?: string };
  return /better.sqlite3|bindings file|NODE_MODULE_VERSION/i.test(message) && !code?.startsWith('SQLITE_')
    ? new StartError(
        'The driver of the embedded database is not built. Run `npm rebuild better-sqlite3`, or set DATABASE_URL.',
      )
    : undefined;
}
