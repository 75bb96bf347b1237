import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { NodeBus } from '../cluster/node-bus.js';
import { Clock } from '../common/timing/clock.js';
import { onlyRow } from '../database/only-row.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { StatsView } from './dto/stats.dto.js';

/** Rows that one statement counts: a few milliseconds, for which the event loop waits on SQLite. */
const AT_ONCE = 10_000;
/** How long the numbers are good. */
const GOOD_FOR_MS = 60_000;

/** What is added up of a table: by name, an SQL expression of one of its rows. */
type Sums<Name extends string> = Record<Name, string>;

const one = (condition: string): string => `CASE WHEN ${condition} THEN 1 ELSE 0 END`;

/** Counts what there is, and names nobody. */
@Injectable()
export class StatsService {
  /** Of this node; each counts by itself. */
  private last: { at: number; stats: Promise<StatsView> } | undefined;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly bus: NodeBus,
    private readonly clock: Clock,
  ) {}

  /** At most once a minute everything is counted anew, in slices: tables may have millions of rows. */
  get(): Promise<StatsView> {
    const now = this.clock.now().getTime();
    if (this.last && Math.abs(now - this.last.at) < GOOD_FOR_MS) return this.last.stats;
    const stats = this.count();
    const mine = { at: now, stats };
    this.last = mine;
    stats.catch(() => {
      if (this.last === mine) this.last = undefined;
    });
    return stats;
  }

  private async count(): Promise<StatsView> {
    const users = await this.addUp('users', 'id', 'erased_at, suspended_at, role', {
      people: one('erased_at IS NULL'),
      suspended: one('suspended_at IS NOT NULL'),
      moderators: one("role = 'moderator'"),
      admins: one("role = 'admin'"),
    });
    const chats = await this.addUp('conversations', 'id', 'kind, last_seq', {
      rooms: one("kind = 'room'"),
      groups: one("kind = 'group'"),
      messages: "CASE WHEN kind IN ('room', 'group') THEN last_seq ELSE 0 END",
    });
    const groups = await this.addUp('chat_groups', 'conversation_id', 'is_frozen', {
      frozen_groups: one('is_frozen = 1'),
    });
    return {
      at: this.clock.now().toISOString(),
      ...users,
      ...chats,
      ...groups,
      online: await this.rows('online_people'),
      open_reports: await this.rows("reports WHERE status = 'open'"),
      nodes: this.bus.nodes().length + 1,
    };
  }

  private async rows(from: string): Promise<number> {
    const rows = await this.unitOfWork.read.query<{ n: number | string }[]>(`SELECT COUNT(*) AS n FROM ${from}`);
    return Number(onlyRow(rows).n);
  }

  private async addUp<Name extends string>(
    table: string,
    key: string,
    columns: string,
    sums: Sums<Name>,
  ): Promise<Record<Name, number>> {
    const names = Object.keys(sums) as Name[];
    const totals = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
    // By numbers: `groups` is a word of MySQL's own.
    const expressions = names.map((name, i) => `SUM(${sums[name]}) AS s${i}`).join(', ');
    for (let after = 0; ;) {
      const rows = await this.unitOfWork.read.query<Record<string, number | string | null>[]>(
        `SELECT MAX(${key}) AS newest, COUNT(*) AS n, ${expressions} FROM (
           SELECT ${key}, ${columns} FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ${AT_ONCE}
         ) AS slice`,
        [after],
      );
      const row = onlyRow(rows);
      names.forEach((name, i) => (totals[name] += Number(row[`s${i}`] ?? 0)));
      if (Number(row['n']) < AT_ONCE) return totals;
      after = Number(row['newest']);
      await nextTurn();
    }
  }
}
