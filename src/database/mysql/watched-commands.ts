import type { PoolConnection } from 'mysql2';
import { type Command, commandsOf } from './mysql-internals.js';

type Done = (error: Error | null, ...rest: unknown[]) => void;
type Query = (sql: unknown, values?: unknown, done?: unknown) => Command;

/** Called once with the answer to a command, and with who is to be told of it. */
export type Answered = (error: Error | null, tell: () => void) => void;

/**
 * Calls `expect` with each command that somebody waits for, and what that returns with its answer.
 *
 * A statement gets its callback before mysql2 makes a command of it. To replace the callback of a command that is made already does the same, but
 * costs dear: V8's collector of young objects then takes answered commands for live ones, with their texts and rows, until the next full
 * collection. Two thirds of all that was allocated for statements grew old that way, and collecting took fifteen times as long. It is left for the
 * few commands that are no statements, a ping say.
 */
export function watchCommands(connection: PoolConnection, expect: () => Answered): void {
  let isWatched = false;
  const query = connection.query.bind(connection) as Query;
  (connection as unknown as { query: Query }).query = (sql, values, done) => {
    const isShort = typeof values === 'function';
    const given = isShort ? values : done;
    if (typeof given !== 'function') return query(sql, values, done);
    const answered = expect();
    const watched = telling(answered, given as Done);
    // Not plainly set and unset: `addCommand` may send others first.
    const before = isWatched;
    isWatched = true;
    try {
      return isShort ? query(sql, watched) : query(sql, values, watched);
    } catch (error) {
      // A value that no statement can have, say: nothing was sent.
      answered(null, () => undefined);
      throw error;
    } finally {
      isWatched = before;
    }
  };

  const commands = commandsOf(connection);
  const add = commands.addCommand.bind(connection);
  commands.addCommand = (command) => {
    if (!isWatched && command.onResult) command.onResult = telling(expect(), command.onResult);
    return add(command);
  };
}

const telling =
  (answered: Answered, done: Done): Done =>
  (error, ...rest) =>
    answered(error, () => done(error, ...rest));
