import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, In, LessThan, MoreThan, MoreThanOrEqual, Not } from 'typeorm';
import { Clock } from '../../common/timing/clock.js';
import { DomainError } from '../../common/errors.js';
import { deleteInSlices } from '../../database/delete-in-slices.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { accountOf } from '../../identity/accounts.js';
import { Erasure } from '../../identity/erasure.js';
import { linkTokenHash, linkTokenIn, newLinkToken, unknownLink } from '../../identity/link-tokens.js';
import { User } from '../../identity/user.entity.js';
import { AdminsByEmail } from '../admins-by-email.js';
import { EmailLink } from './email-link.entity.js';

const HOUR = 3_600_000;
const CHANGE_LIVES_MS = 24 * HOUR;
const RETURN_LIVES_MS = 72 * HOUR;
/** Rows stay for longer, so that an old link says "expired". */
const FORGET_AFTER_MS = 7 * 24 * HOUR;

export const addressNotFree = () =>
  new DomainError('conflict', 'already_registered', 'This address belongs to another account. Nothing was changed.');

export const addressIsKept = (seconds: number) =>
  new DomainError(
    'conflict',
    'already_registered',
    'This address is kept for an account that had it until a short time ago. Register it again later.',
    { retry_after: seconds },
  );

/** A link of an account. */
export type OwnedLink = EmailLink & { userId: number };

/** The rows of links to new addresses, and of ways back to former ones. */
@Injectable()
export class EmailLinks implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly erasure: Erasure,
    private readonly adminsByEmail: AdminsByEmail,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id, email }) => {
      await tx.delete(EmailLink, { userId: id });
      await tx.delete(EmailLink, { email });
    });
  }

  /** Inside the caller's transaction. @returns the token of the link */
  async add(tx: EntityManager, link: Pick<EmailLink, 'userId' | 'email' | 'isReturn'>): Promise<string> {
    const token = newLinkToken();
    await tx.insert(EmailLink, { ...link, tokenHash: linkTokenHash(token), expiresAt: this.expiry(link.isReturn) });
    return token;
  }

  /**
   * Inside a transaction that holds the account and gives it another address: adds a way back to the one that it leaves. Older ways back live
   * as long: were the newest the last one to end, whoever has changed the address first would win. Where the account goes to an address that
   * it has a way back to, that one is used up, as by its link, and none is added: else, a stranger to whom a misspelt address belongs would
   * have one.
   * @returns the token of the way back, undefined where there is none
   */
  async addWayBack(
    tx: EntityManager,
    userId: number,
    { from, to }: { from: string; to: string },
  ): Promise<string | undefined> {
    const live = { userId, isReturn: true, expiresAt: MoreThan(this.clock.now()) };
    const [oldest] = await tx.find(EmailLink, { where: { ...live, email: to }, order: { id: 'ASC' }, take: 1 });
    if (oldest) {
      await this.use(tx, { id: oldest.id, userId });
      return undefined;
    }
    await tx.update(EmailLink, live, { expiresAt: this.expiry(true) });
    return this.add(tx, { userId, email: from, isReturn: true });
  }

  /** @throws NotFound; `expired` (410) */
  async find(tx: EntityManager, token: string, isReturn: boolean): Promise<OwnedLink> {
    const link = await tx.findOneBy(EmailLink, { tokenHash: linkTokenHash(linkTokenIn(token)), isReturn });
    if (!link || link.userId === null) throw unknownLink();
    if (link.expiresAt <= this.clock.now())
      throw new DomainError('gone', 'expired', 'This link has expired, and nothing was changed.');
    return link as OwnedLink;
  }

  /**
   * Whether an account may get an address that it asks for. Not one that another account has or can still take back; and none of
   * ADMIN_EMAILS: whoever sets a password by a mail to such an address becomes an admin, and the one whose account has got it meanwhile
   * would have a way back into an admin's account.
   */
  async isFree(tx: EntityManager, email: string, userId: number): Promise<boolean> {
    // All is asked in any case: what is free and what is not take as long.
    const isTaken = (await accountOf(tx, email)) !== undefined;
    const isHeld = await this.isHeld(tx, email, userId);
    return !isTaken && !isHeld && !this.adminsByEmail.has(email);
  }

  /**
   * Whether an address is kept for an account that had it until a short time ago, and has a way back: else a thief would register it anew,
   * and block that way.
   * @param exceptFor the account that may have it all the same
   */
  async isHeld(tx: EntityManager, email: string, exceptFor = 0): Promise<boolean> {
    return (await this.heldFor(tx, email, exceptFor)) > 0;
  }

  /** For how many seconds from now: 0 where it is kept for nobody. */
  async heldFor(tx: EntityManager, email: string, exceptFor = 0): Promise<number> {
    const now = this.clock.now();
    const [newest] = await tx.find(EmailLink, {
      where: { email, isReturn: true, expiresAt: MoreThan(now), userId: Not(exceptFor) },
      order: { expiresAt: 'DESC' },
      take: 1,
    });
    return newest ? Math.ceil((newest.expiresAt.getTime() - now.getTime()) / 1_000) : 0;
  }

  /** Addresses that the account had, as long as it is known, and those that it was to get; without those that are another account's by now. */
  async otherAddresses(tx: EntityManager, userId: number): Promise<string[]> {
    const links = await tx.find(EmailLink, { select: { email: true }, where: { userId } });
    const emails = [...new Set(links.map(({ email }) => email))];
    const taken = await tx.find(User, { select: { email: true }, where: { email: In(emails), id: Not(userId) } });
    return emails.filter((email) => !taken.some((user) => user.email === email));
  }

  /** Uses up a way back, and with it all links that came after it: they are those of whoever has changed the address. */
  async use(tx: EntityManager, { id, userId }: Pick<OwnedLink, 'id' | 'userId'>): Promise<void> {
    await tx.delete(EmailLink, { userId, id: MoreThanOrEqual(id) });
  }

  async sweep(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - FORGET_AFTER_MS);
    await deleteInSlices(this.unitOfWork, EmailLink, { expiresAt: LessThan(before) });
  }

  private expiry(isReturn: boolean): Date {
    return new Date(this.clock.now().getTime() + (isReturn ? RETURN_LIVES_MS : CHANGE_LIVES_MS));
  }
}
