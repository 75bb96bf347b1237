import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, LessThan, MoreThan } from 'typeorm';
import { DomainError, NotFound, QuotaExceeded } from '../common/errors.js';
import { Clock } from '../common/timing/clock.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { insertId } from '../database/insert-id.js';
import { lockRow } from '../database/row-locks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Erasure } from '../identity/erasure.js';
import { linkTokenHash, linkTokenIn, newLinkToken } from '../identity/link-tokens.js';
import { Invite } from './invite.entity.js';

const DAY_MS = 24 * 3_600_000;
/** How long an invitation stays in the list once it has ended. */
const KEEP_MS = 90 * DAY_MS;
/** Most invitations that can be used at a time. */
export const MOST_INVITES = 1_000;

/** The same for one that never was, has ended, is used up, or was revoked. */
const inviteInvalid = () =>
  new DomainError('forbidden', 'invite_invalid', 'This invitation is not valid, or not any more. Ask for another one.');

/** Ids of the groups that an invitation leads into. */
export const groupsOf = ({ groupIds }: Pick<Invite, 'groupIds'>): number[] =>
  groupIds === null ? [] : groupIds.split(',').map(Number);

/** Invitations: whoever shows one may register, whatever the mode. A use counts when the account is made, in its transaction. */
@Injectable()
export class Invites implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly erasure: Erasure,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id }) => {
      await this.endOf(tx, id);
      await tx.update(Invite, { createdBy: id }, { createdBy: null });
    });
  }

  /** The invitation of a token that can be used now. @throws `invite_invalid` */
  async findUsable(token: string): Promise<Invite> {
    const tokenHash = linkTokenHash(linkTokenIn(token));
    return this.assertUsable(await this.unitOfWork.read.findOneBy(Invite, { tokenHash }));
  }

  /** @throws `invite_invalid` */
  async assertUsableById(id: number): Promise<void> {
    this.assertUsable(await this.unitOfWork.read.findOneBy(Invite, { id }));
  }

  /**
   * Inside the transaction that makes an account: counts a use. Of two for the last use, the second finds none left.
   * @returns the invitation @throws `invite_invalid`
   */
  async use(tx: EntityManager, id: number): Promise<Invite> {
    const invite = this.assertUsable(await this.lock(tx, id));
    const uses = invite.uses + 1;
    const endsAt = uses === invite.maxUses ? this.clock.now() : invite.endsAt;
    await tx.update(Invite, { id }, { uses, endsAt });
    return invite;
  }

  /**
   * Inside the transaction of an act, the only one that runs. @returns its id, and the token, which is stored nowhere
   * @throws `quota_exceeded`
   */
  async create(
    tx: EntityManager,
    given: Pick<Invite, 'maxUses' | 'note' | 'createdBy'> & { livesMs: number; groupIds: readonly number[] },
  ): Promise<{ id: number; token: string }> {
    const { livesMs, groupIds, ...rest } = given;
    const kept = { ...rest, groupIds: groupIds.length > 0 ? groupIds.join() : null };
    const now = this.clock.now();
    if ((await tx.countBy(Invite, { endsAt: MoreThan(now) })) >= MOST_INVITES)
      throw new QuotaExceeded(`There are ${MOST_INVITES} invitations already. Revoke some of them first.`);
    const token = newLinkToken();
    const endsAt = new Date(now.getTime() + livesMs);
    const row = { ...kept, tokenHash: linkTokenHash(token), uses: 0, createdAt: now, revokedAt: null };
    const id = await insertId(tx, Invite, { ...row, expiresAt: endsAt, endsAt });
    return { id, token };
  }

  /** Inside the transaction of an act. @returns false where it had ended already @throws NotFound */
  async revoke(tx: EntityManager, id: number): Promise<boolean> {
    const invite = await this.lock(tx, id);
    if (!invite) throw new NotFound('invitation');
    const now = this.clock.now();
    if (invite.endsAt <= now) return false;
    await tx.update(Invite, { id }, { revokedAt: now, endsAt: now });
    return true;
  }

  /**
   * Inside a transaction after which somebody is no admin any more, or which gives an account back to its owner: revokes all that they, or a
   * thief, have made and that could still be used. Call it inside an act, or once their sessions have ended. @returns how many
   */
  async endOf(tx: EntityManager, userId: number): Promise<number> {
    const now = this.clock.now();
    const live = { createdBy: userId, endsAt: MoreThan(now) };
    const { affected } = await tx.update(Invite, live, { revokedAt: now, endsAt: now });
    return affected ?? 0;
  }

  /** How many of somebody's can be used now. */
  liveOf(userId: number): Promise<number> {
    return this.unitOfWork.read.countBy(Invite, { createdBy: userId, endsAt: MoreThan(this.clock.now()) });
  }

  async sweep(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - KEEP_MS);
    await deleteInSlices(this.unitOfWork, Invite, { endsAt: LessThan(before) });
  }

  private async lock(tx: EntityManager, id: number): Promise<Invite | null> {
    const row = await lockRow(tx, { columns: 'id', table: 'invites', where: 'id = ?', values: [id] });
    return row ? tx.findOneBy(Invite, { id }) : null;
  }

  private assertUsable(invite: Invite | null): Invite {
    if (!invite || invite.endsAt <= this.clock.now()) throw inviteInvalid();
    return invite;
  }
}
