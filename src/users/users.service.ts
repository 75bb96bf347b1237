import { Injectable } from '@nestjs/common';
import { In, IsNull, MoreThan } from 'typeorm';
import { LISTED, type Listed, toHiddenView, toUserView, type UserView } from '../people/user.view.js';
import { searchNames } from '../identity/name-search.js';
import { nameKey, User } from '../identity/user.entity.js';
import { Invalid } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { Block } from '../people/block.entity.js';
import { Blocks } from '../people/blocks.js';
import { fromMoment, inIds } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import type { UsersQuery } from './dto/users.dto.js';

interface NamedRow extends Omit<Listed, 'lastSeen'> {
  last_seen: string | Date | null;
  erased_at: unknown;
}

/** The list of users, and who of them is online. */
@Injectable()
export class UsersService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly blocks: Blocks,
    private readonly presence: Presence,
  ) {}

  /**
   * All users in the order of their ids, or those whose name begins with `query`, first name first or last name first, by that name; or
   * those with these `ids`. @throws Invalid where something else is sent with `ids`
   */
  async list(me: Identity, request: UsersQuery): Promise<Page<UserView>> {
    const { ids, query, cursor } = request;
    if (ids != null) {
      assertAlone(request);
      return this.named(me, ids);
    }
    const prefix = nameKey(query ?? '');
    const page = prefix ? await this.search(prefix, cursor) : await this.all(cursor);
    return this.toViews(me, page);
  }

  /** Those whom the caller has blocked, in the order of their ids. */
  async blocked(me: Identity, cursor?: string): Promise<Page<UserView>> {
    const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
    const rows = await this.unitOfWork.read
      .createQueryBuilder(User, 'u')
      .select(Object.keys(LISTED).map((column) => `u.${column}`))
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

  /** Also those who have erased their account, and are nowhere to be seen: what they wrote is still there, and needs a name. */
  private async named(me: Identity, ids: ReadonlySet<number>): Promise<Page<UserView>> {
    const { sql, values } = inIds('id', [...ids]);
    // By hand: making an entity of each costs five times as much, and this counts as one read.
    const rows = await this.unitOfWork.read.query<NamedRow[]>(
      `SELECT id, first_name AS firstName, last_name AS lastName, last_seen, erased_at FROM users WHERE ${sql} ORDER BY id`,
      values,
    );
    const hidden = await this.blocks.hiddenFrom(me.userId);
    return {
      rows: rows.map(({ last_seen, erased_at, ...row }) => {
        const user = { ...row, lastSeen: last_seen === null ? null : fromMoment(last_seen) };
        return this.toView(user, erased_at !== null || hidden.has(user.id));
      }),
    };
  }

  private async all(cursor?: string): Promise<Page<Listed>> {
    const [after] = (readCursor(cursor, ['number']) ?? [0]) as [number];
    const rows = await this.unitOfWork.read.find(User, {
      select: LISTED,
      where: { erasedAt: IsNull(), id: MoreThan(after) },
      order: { id: 'ASC' },
      take: LIST_LIMIT + 1,
    });
    return toPage(rows, ({ id }) => [id]);
  }

  private async search(prefix: string, cursor?: string): Promise<Page<Listed>> {
    const page = await searchNames(this.unitOfWork.read, prefix, cursor);
    const users = await this.unitOfWork.read.find(User, { select: LISTED, where: { id: In(page.rows) } });
    const byId = new Map(users.map((user) => [user.id, user]));
    return { ...page, rows: page.rows.flatMap((id) => byId.get(id) ?? []) };
  }

  private async toViews(me: Identity, page: Page<Listed>): Promise<Page<UserView>> {
    const hidden = await this.blocks.hiddenFrom(me.userId);
    return { ...page, rows: page.rows.map((user) => this.toView(user, hidden.has(user.id))) };
  }

  private toView(user: Listed, isHidden: boolean): UserView {
    return isHidden ? toHiddenView(user) : toUserView(user, this.presence.isOnline(user.id));
  }
}

function assertAlone({ query, cursor }: UsersQuery): void {
  const others = Object.entries({ query, cursor }).flatMap(([name, value]) => (value == null ? [] : name));
  if (others.length === 0) return;
  const fields = Object.fromEntries(['ids', ...others].map((name) => [name, ['excludes the others']]));
  throw new Invalid(`Send ids or ${others.join(', ')}.`, fields);
}
