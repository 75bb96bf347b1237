import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { QuotaExceeded } from '../../common/errors.js';
import { CONFIG, type Config } from '../../config/config.js';
import { onlyRow } from '../../database/only-row.js';

/**
 * How many groups a user may own, and be a member of. Counted inside the transaction that would make one more, which holds the user's row
 * (`holdAccount`): of two at once, the second counts the first. Users who have more, from a higher quota before, keep them. A new owner
 * whose group was inherited is not counted: the number of groups does not grow, and a group must have an owner.
 */
@Injectable()
export class GroupQuotas {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @throws `quota_exceeded` */
  async assertMayJoin(tx: EntityManager, userId: number): Promise<void> {
    const most = this.config.membershipsPerUser;
    if ((await this.count(tx, userId, '')) >= most)
      throw new QuotaExceeded(`Nobody is a member of more than ${most} groups: one has to be left first.`);
  }

  /** @throws `quota_exceeded` */
  async assertMayOwn(tx: EntityManager, userId: number): Promise<void> {
    const most = this.config.groupsOwnedPerUser;
    if ((await this.count(tx, userId, 'AND g.owner_id = m.user_id')) >= most)
      throw new QuotaExceeded(`Nobody owns more than ${most} groups: one has to be handed over or left first.`);
  }

  /** Counts among the groups that the user is a member of: an owner is one. */
  private async count(tx: EntityManager, userId: number, condition: string): Promise<number> {
    const rows = await tx.query<{ n: number | string }[]>(
      `SELECT COUNT(*) AS n FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE m.user_id = ? ${condition}`,
      [userId],
    );
    return Number(onlyRow(rows).n);
  }
}
