import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { In, IsNull, MoreThan } from 'typeorm';
import { nameKey, User } from '../auth/user.entity.js';
import { Clock } from '../common/clock.js';
import type { Identity } from '../common/identity.js';
import { logLine } from '../common/log-line.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { Block } from '../conversations/block.entity.js';
import { Blocks } from '../conversations/blocks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../realtime/presence.js';
import type { UsersQuery, UserView } from './dto/users.dto.js';

type Listed = Pick<User, 'id' | 'firstName' | 'lastName' | 'lastSeen'>;

/** The last code point: everything that begins with a prefix sorts before prefix + LAST. */
const LAST = '\u{10ffff}';

/** Who is here, and who is online. */
@Injectable()
export class UsersService implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(UsersService.name);

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly blocks: Blocks,
    private readonly presence: Presence,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.presence.onOffline((userId) => {
      this.saw([userId]).catch((error: unknown) => this.logger.error(`last_seen was not stored: ${logLine(error)}`));
    });
  }

  /** Everybody's last socket is about to close. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.saw(this.presence.online()).catch(() => undefined);
  }

  /** All users in the order of their ids, or those whose first or last name begins with `query`, by that name. */
  async list(me: Identity, { query, cursor }: UsersQuery): Promise<Page<UserView>> {
    const page = query?.trim() ? await this.search(nameKey(query.trim()), cursor) : await this.all(cursor);
    return this.toViews(me, page);
  }

  /** Those whom the caller has blocked, in the order of their ids. */
  async blocked(me: Identity, cursor?: string): Promise<Page<UserView>> {
    const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
    const rows = await this.unitOfWork.read
      .createQueryBuilder(User, 'u')
      .select(['u.id', 'u.firstName', 'u.lastName', 'u.lastSeen'])
      .innerJoin(Block, 'b', 'b.blockedId = u.id')
      .where('b.blockerId = :me AND b.blockedId > :after AND u.erasedAt IS NULL', { me: me.userId, after })
      .orderBy('b.blockedId')
      .limit(LIST_LIMIT + 1)
      .getMany();
    return this.toViews(
      me,
      toPage<Listed>(rows, ({ id }) => [id]),
    );
  }

  private async all(cursor?: string): Promise<Page<Listed>> {
    const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
    const rows = await this.unitOfWork.read.find(User, {
      select: { id: true, firstName: true, lastName: true, lastSeen: true },
      where: { erasedAt: IsNull(), id: MoreThan(after) },
      order: { id: 'ASC' },
      take: LIST_LIMIT + 1,
    });
    return toPage(rows, ({ id }) => [id]);
  }

  /** Two ranges of two indexes, merged: as many rows are read as are shown, however many users there are. */
  private async search(prefix: string, cursor?: string): Promise<Page<Listed>> {
    const [afterKey, afterId] = readCursor(cursor, ['text', 'number']) ?? ['', 0];
    const range = (column: string) =>
      `SELECT id, ${column} AS k FROM users WHERE ${column} >= ? AND ${column} < ? AND erased_at IS NULL
       AND (${column} > ? OR (${column} = ? AND id > ?))`;
    const order = `ORDER BY k, id LIMIT ${LIST_LIMIT + 1}`;
    const bounds = [prefix, prefix + LAST, afterKey, afterKey, afterId];
    const found = await this.unitOfWork.read.query<{ id: number; k: string }[]>(
      // Whoever has both names begin so is found once, by the first.
      `SELECT id, k FROM (
         SELECT * FROM (${range('first_name_key')} ${order}) AS by_first
         UNION ALL
         SELECT * FROM (${range('last_name_key')} AND NOT (first_name_key >= ? AND first_name_key < ?) ${order}) AS by_last
       ) AS found ${order}`,
      [...bounds, ...bounds, prefix, prefix + LAST],
    );
    const { rows, cursor: next } = toPage(found, ({ k, id }) => [k, id]);
    const users = await this.unitOfWork.read.find(User, {
      select: { id: true, firstName: true, lastName: true, lastSeen: true },
      where: { id: In(rows.map(({ id }) => id)) },
    });
    const byId = new Map(users.map((user) => [user.id, user]));
    const ordered = rows.flatMap(({ id }) => byId.get(id) ?? []);
    return next === undefined ? { rows: ordered } : { rows: ordered, cursor: next };
  }

  private async saw(userIds: number[]): Promise<void> {
    if (userIds.length === 0) return;
    // Of those who have erased their account nothing is known any more.
    await this.unitOfWork.run((tx) =>
      tx.update(User, { id: In(userIds), erasedAt: IsNull() }, { lastSeen: this.clock.now() }),
    );
  }

  private async toViews(me: Identity, page: Page<Listed>): Promise<Page<UserView>> {
    const hidden = await this.blocks.hiddenFrom(me.userId);
    return { ...page, rows: page.rows.map((user) => this.toView(user, hidden.has(user.id))) };
  }

  private toView({ id, firstName, lastName, lastSeen }: Listed, isHidden: boolean): UserView {
    return {
      id,
      first_name: firstName,
      last_name: lastName,
      is_online: !isHidden && this.presence.isOnline(id),
      last_seen: isHidden ? null : (lastSeen?.toISOString() ?? null),
    };
  }
}
