import type { PoolConnection } from 'mysql2';
import { isLockTimeout } from '../../common/lost-connection.js';
import { type Command, commandsOf } from './mysql-internals.js';

interface Statement {
  /** With its values in it, escaped. */
  sql: string;
  resolve(rows: unknown): void;
  reject(error: Error): void;
}

export const BEGIN = 'START TRANSACTION';
export const COMMIT = 'COMMIT';
export const ROLLBACK = 'ROLLBACK';

/** Before a statement that writes, on MariaDB: it fails instead of waiting for a lock, and leaves its transaction as it was. */
export const WITHOUT_WAITING = 'SET STATEMENT innodb_lock_wait_timeout = 0 FOR ';

/** Most characters of one packet: far below `max_allowed_packet`. A longer statement goes alone. */
const MOST_AT_ONCE = 1_000_000;

/** They go alone: a ROLLBACK must run whatever becomes of those before it, and where the answer to a COMMIT is lost, all before it was answered. */
const isEnd = ({ sql }: Statement): boolean => sql === ROLLBACK || sql === COMMIT;

/** What is sent in the place of a packet that must not run. */
const NOTHING = 'DO 0';

/** Statements that go together. */
interface Packet {
  statements: readonly Statement[];
  command?: Command;
  /** A packet before it failed: it does not run. */
  failure?: Error;
}

/** What is known of a connection. */
class Sent {
  due: Statement[] = [];
  /** Packets without an answer, in the order in which they are sent. */
  readonly underWay = new Set<Packet>();
  isInTransaction = false;
  /** Why its transaction can only be rolled back. */
  failure: Error | undefined;
}

/**
 * Sends all statements that a connection is given in one turn of the event loop as one packet. A server answers each statement by itself, but
 * each packet is a way there and back, and wakes both processes, which takes longer than most statements.
 *
 * They run in the order of the calls. Where one fails, those behind it do not run, and all of its packet are rejected with its error. In a
 * transaction nothing runs from then on but its ROLLBACK: a server may have rolled it back already (after a deadlock, say), and would commit
 * what comes then statement by statement. Only a statement that refused to wait leaves its transaction usable.
 */
export class GatheredStatements {
  private readonly sent = new WeakMap<PoolConnection, Sent>();

  query(connection: PoolConnection, sql: string, values: readonly unknown[] | undefined): Promise<unknown> {
    const sent = this.sentOn(connection);
    if (sql === BEGIN || sql === ROLLBACK) sent.failure = undefined;
    if (sent.failure) return Promise.reject(sent.failure);
    if (sql === BEGIN || sql === ROLLBACK || sql === COMMIT) sent.isInTransaction = sql === BEGIN;
    return new Promise((resolve, reject) => {
      sent.due.push({ sql: values?.length ? connection.format(sql, [...values]) : sql, resolve, reject });
      // Runs once all promises that are settled by now have gone on: so many statements can come in one turn.
      if (sent.due.length === 1) process.nextTick(() => this.send(connection, sent));
    });
  }

  private sentOn(connection: PoolConnection): Sent {
    let sent = this.sent.get(connection);
    if (!sent) {
      const made = (sent = new Sent());
      this.sent.set(connection, made);
      // A command that comes by another way keeps its place behind these.
      const commands = commandsOf(connection);
      const add = commands.addCommand.bind(connection);
      commands.addCommand = (command) => {
        this.send(connection, made);
        return add(command);
      };
    }
    return sent;
  }

  private send(connection: PoolConnection, sent: Sent): void {
    const all = sent.due.splice(0);
    for (let from = 0, to = 0; from < all.length; from = to) {
      let length = 0;
      do length += all[to++]!.sql.length;
      while (to < all.length && !isEnd(all[to]!) && length + all[to]!.sql.length <= MOST_AT_ONCE);
      this.sendTogether(connection, sent, all.slice(from, to));
    }
  }

  private sendTogether(connection: PoolConnection, sent: Sent, statements: readonly Statement[]): void {
    const packet: Packet = { statements };
    sent.underWay.add(packet);
    const sql = statements.map((statement) => statement.sql).join('; ');
    packet.command = connection.query(sql, (error: Error | null, rows: unknown) => {
      sent.underWay.delete(packet);
      const failure = packet.failure ?? error;
      if (error) this.failed(sent, statements, error);
      if (failure) for (const statement of statements) statement.reject(failure);
      else if (statements.length === 1) statements[0]!.resolve(rows);
      else for (const [i, statement] of statements.entries()) statement.resolve((rows as unknown[])[i]);
    });
  }

  private failed(sent: Sent, statements: readonly Statement[], error: Error): void {
    for (const packet of sent.underWay) {
      if (packet.statements.some(isEnd)) break;
      packet.failure ??= error;
      // It stands in mysql2's queue, which is not ours to change.
      if (packet.command) packet.command.sql = NOTHING;
    }
    if (!sent.isInTransaction) return;
    const refusedToWait = isLockTimeout(error) && statements.some(({ sql }) => sql.startsWith(WITHOUT_WAITING));
    if (!refusedToWait) sent.failure ??= error;
  }
}
