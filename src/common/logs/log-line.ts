import { driverCode } from '../lost-connection.js';

/**
 * An error for the log: its name, code and place, without its message. Drivers put values into their messages
 * (`Duplicate entry 'ada@example.com'`), and no address, token or text of a message belongs into a log.
 */
export function logLine(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'Something that is no error was thrown.';
  const code = driverCode(thrown);
  const where = thrown.stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8)
    .join('\n');
  return `${thrown.name}${code ? ` ${code}` : ''}\n${where ?? ''}`;
}
