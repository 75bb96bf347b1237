import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { In, IsNull } from 'typeorm';
import { Batcher } from '../common/timing/batcher.js';
import { LIST_LIMIT } from '../common/pages.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Audience } from './audience.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { LISTED, type Listed, toHiddenView, toUserView } from './user.view.js';
import { User } from '../identity/user.entity.js';

/** Shortest time between two packets about one person. */
const GATHER_MS = 1_000;
/** People of one question to the database. */
const CHUNK = 500;
const NOBODY: ReadonlySet<number> = new Set();

/**
 * Tells what became of a person's row in the list of users. While the list is one page, everybody who is there may show it, and
 * hears of it; once it is longer, those hear of it who hear of the person's presence, and the person. Whoever has blocked the person
 * hears of their end alone.
 */
@Injectable()
export class UserNews implements OnModuleInit, BeforeApplicationShutdown {
  private readonly changes: Batcher<number, true>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly audience: Audience,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
  ) {
    this.changes = new Batcher('UserNews', GATHER_MS, (changed) => this.tell([...changed.keys()]));
  }

  onModuleInit(): void {
    this.events.on('userChanged', ({ userId }) => this.changes.add(userId, true));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.changes.stop();
  }

  private async tell(userIds: number[]): Promise<void> {
    const isOnePage = await this.isOnePage();
    for (let i = 0; i < userIds.length; i += CHUNK) {
      const some = userIds.slice(i, i + CHUNK);
      const where = { id: In(some), erasedAt: IsNull() };
      const users = await this.unitOfWork.read.find(User, { select: LISTED, where });
      const byId = new Map(users.map((user) => [user.id, user]));
      const viewers = isOnePage ? undefined : await this.audience.of(some);
      // Last: whoever has blocked somebody by now is not told, or not shown.
      const [blocked, blockers] = await Promise.all([this.audience.blockedBy(some), this.audience.blockersOf(some)]);
      for (const userId of some) {
        const blocks = { blocked: blocked.get(userId) ?? NOBODY, blockers: blockers.get(userId) ?? NOBODY };
        this.tellOne(userId, byId.get(userId), blocks, viewers?.get(userId));
      }
    }
  }

  /** @param blocks `blocked`: whom the person has blocked; `blockers`: who has blocked the person, and does not hear what they call themselves */
  private tellOne(
    userId: number,
    user: Listed | undefined,
    { blocked, blockers }: Record<'blocked' | 'blockers', ReadonlySet<number>>,
    viewers?: Set<number>,
  ): void {
    if (!user) {
      const erased = { id: userId, deleted: true } as const;
      if (viewers) this.publisher.userUpdate(erased, [...viewers]);
      else this.publisher.userUpdateToAll(erased);
      return;
    }
    const row = toUserView(user, this.presence.isOnline(userId));
    const apart = new Set([...blocked, ...blockers]);
    if (viewers) this.publisher.userUpdate(row, [userId, ...[...viewers].filter((viewer) => !apart.has(viewer))]);
    else this.publisher.userUpdateToAll(row, [...apart]);
    // To whom they hide from they are always away.
    const away = [...blocked].filter((viewer) => !blockers.has(viewer) && (!viewers || viewers.has(viewer)));
    this.publisher.userUpdate(toHiddenView(user), away);
  }

  private async isOnePage(): Promise<boolean> {
    const [next] = await this.unitOfWork.read.find(User, {
      select: { id: true },
      where: { erasedAt: IsNull() },
      order: { id: 'ASC' },
      skip: LIST_LIMIT,
      take: 1,
    });
    return next === undefined;
  }
}
