import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { In, IsNull } from 'typeorm';
import { Homes } from '../cluster/homes.js';
import { Batcher } from '../common/timing/batcher.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { chunks } from '../database/chunks.js';
import { isOnePage } from '../database/is-one-page.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Audience } from './audience.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { LISTED, type Listed, toHiddenView, toUserView } from './user.view.js';
import { User } from '../identity/user.entity.js';

/** Shortest time between two packets about one user. */
const GATHER_MS = 1_000;
const NOBODY: ReadonlySet<number> = new Set();

/**
 * Publishes changes of rows in the list of users. While the list is one page, every client may show it, and all connected users get the
 * row; once it is longer, only those who get the user's presence, and the user. Users who have blocked them get nothing but the end of
 * their account.
 */
@Injectable()
export class UserNews implements OnModuleInit, BeforeApplicationShutdown {
  private readonly changes: Batcher<number, true>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly audience: Audience,
    private readonly publisher: Publisher,
    private readonly homes: Homes,
    private readonly events: DomainEvents,
  ) {
    this.changes = new Batcher('Publishing changed users', GATHER_MS, (changed) => this.publish([...changed.keys()]));
  }

  onModuleInit(): void {
    const give = this.homes.at<true>('user-row', (_, userId) => this.changes.add(Number(userId), true));
    this.events.on('userChanged', ({ userId }) => give(userId, true));
  }

  async beforeApplicationShutdown(): Promise<void> {
    // Other nodes have given it here, for their own sockets.
    if (this.homes.areShared) await this.changes.flush().catch(() => undefined);
    await this.changes.stop();
  }

  private async publish(userIds: number[]): Promise<void> {
    const toAll = await isOnePage(this.unitOfWork.read, 'users WHERE erased_at IS NULL ORDER BY id');
    for (const some of chunks(userIds)) {
      const where = { id: In(some), erasedAt: IsNull() };
      const users = await this.unitOfWork.read.find(User, { select: LISTED, where });
      const byId = new Map(users.map((user) => [user.id, user]));
      const viewers = toAll ? undefined : await this.audience.ofAllNodes(some);
      // Last: blocks count that were made up to now.
      const [blocked, blockers] = await Promise.all([this.audience.blockedBy(some), this.audience.blockersOf(some)]);
      for (const userId of some) {
        const blocks = { blocked: blocked.get(userId) ?? NOBODY, blockers: blockers.get(userId) ?? NOBODY };
        this.publishOne(userId, byId.get(userId), blocks, viewers?.get(userId));
      }
    }
  }

  /** @param blocks `blocked`: whom the user has blocked; `blockers`: who has blocked the user, and gets no change of their name */
  private publishOne(
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
    // To those whom the user has blocked, they are always offline.
    const away = [...blocked].filter((viewer) => !blockers.has(viewer) && (!viewers || viewers.has(viewer)));
    this.publisher.userUpdate(toHiddenView(user), away);
  }
}
