import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { MAX_ID } from '../common/fields.js';
import { onlyRow } from '../database/only-row.js';
import { CHAT_RULES, type ChatRule, type Row } from './chat-rules.js';
import { verifyChain } from '../identity/audit/audit-chain.js';
import type { Finding } from './finding.js';
import { USER_RULES } from './user-rules.js';

/** Chats of a page: as many as have about so many messages, and no more than `CHATS` of them. */
const MESSAGES = 50_000;
const CHATS = 500;
const USERS = 2_000;
/** Rows that one rule gives for one page: where there are more, these will do. */
const MOST_OF_A_RULE = 1_000;
/** A pause is as long as the page before it took, and no longer than this: others get half of the database's time. */
const LONGEST_PAUSE_MS = 2_000;

interface Page {
  from: number;
  to: number;
}

/**
 * Looks through a database for what must not be: gaps in numbers, marks beyond the last message, totals and counts that a recount does not give,
 * rows of nobody, what should have been forgotten, and a row of the audit log that was touched. It only reads, page by page, each in a
 * transaction of its own, so that it may run beside a server: what others write meanwhile is seen whole or not at all.
 */
export class Verification {
  /** Chats and messages that were looked at so far. */
  chats = 0;
  messages = 0;

  /**
   * @param source as `openToRead` gives it: with one connection, on which transactions show what was committed when they began
   * @param isHurried no pauses: nobody else needs the database
   */
  constructor(
    private readonly source: DataSource,
    private readonly isHurried = false,
  ) {}

  /** What must not be, as it is found. */
  async *findings(): AsyncGenerator<Finding> {
    for await (const page of this.chatPages()) yield* await this.look(CHAT_RULES, page);
    for await (const page of this.userPages()) yield* await this.look(USER_RULES, page);
    const audit = await verifyChain((sql, values) => this.source.query(sql, values));
    if (!audit.isWhole)
      yield {
        kind: 'audit',
        where: 'the audit log',
        text: `Its chain of hashes breaks at row ${audit.brokenAt}: ${audit.problem}.`,
      };
  }

  /** Pages of ids that follow each other without a gap: rows of chats that are not there lie between the others. */
  private async *chatPages(): AsyncGenerator<Page> {
    for (let from = 1; ;) {
      const chats = await this.source.query<{ id: number; last_seq: number }[]>(
        `SELECT id, last_seq FROM conversations WHERE id >= ? ORDER BY id LIMIT ${CHATS}`,
        [from],
      );
      let [taken, messages] = [0, 0];
      while (taken < chats.length && (taken === 0 || messages + chats[taken]!.last_seq <= MESSAGES))
        messages += chats[taken++]!.last_seq;
      const isLast = taken === chats.length && chats.length < CHATS;
      const to = isLast ? MAX_ID : chats[taken - 1]!.id;
      yield { from, to };
      this.chats += taken;
      this.messages += messages;
      if (isLast) return;
      from = to + 1;
    }
  }

  /** The last one holds also rows of users of whom there is none. */
  private async *userPages(): AsyncGenerator<Page> {
    const { last } = onlyRow(await this.source.query<{ last: number | null }[]>('SELECT MAX(id) AS last FROM users'));
    for (let from = 1; from <= MAX_ID;) {
      const to = from + USERS > (last ?? 0) ? MAX_ID : from + USERS - 1;
      yield { from, to };
      from = to + 1;
    }
  }

  private async look(rules: readonly ChatRule[], { from, to }: Page): Promise<Finding[]> {
    const found: Finding[] = [];
    const began = performance.now();
    await this.source.query(this.source.options.type === 'better-sqlite3' ? 'BEGIN' : BEGIN_ON_SERVER);
    try {
      for (const { sql, finding, more } of rules) {
        const rows = await this.source.query<Row[]>(`${sql} LIMIT ${MOST_OF_A_RULE}`, [from, to]);
        for (const row of rows) {
          const [rest] = more === undefined ? [] : await this.source.query<Row[]>(more, [row['chat']]);
          found.push(finding(asNumbers({ ...row, ...rest })));
        }
      }
    } finally {
      await this.source.query('COMMIT');
    }
    if (!this.isHurried) await sleep(Math.min(performance.now() - began, LONGEST_PAUSE_MS));
    return found;
  }
}

const BEGIN_ON_SERVER = 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY';

/** MySQL gives sums as texts. */
const asNumbers = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
    ]),
  );
