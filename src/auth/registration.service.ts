import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, In, IsNull, LessThan, Not } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import { DomainError, Invalid, NotFound } from '../common/errors.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { insertId } from '../database/insert-id.js';
import { lockRow } from '../database/row-locks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { addressIsTaken, confirmRegistration, type MailContent, registrationWaits } from '../mail/mails.js';
import { Outbox } from '../mail/outbox.js';
import { AdminsByEmail } from './admins-by-email.js';
import { Admission } from './admission.js';
import { accountOf } from '../identity/accounts.js';
import type { ResendRequest } from './dto/recovery.dto.js';
import type { RegisterRequest } from './dto/register.dto.js';
import { Erasure } from '../identity/erasure.js';
import { NewAccounts } from '../identity/new-accounts.js';
import { linkTokenHash, linkTokenIn, newLinkToken } from '../identity/link-tokens.js';
import { assertOwnName } from '../identity/names.js';
import { addressIsKept, EmailLinks } from './email/email-links.js';
import { groupsOf } from './invites.js';
import { Links } from './links.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordRules } from './password-rules.js';
import { Passwords } from '../identity/passwords.js';
import { Registration } from './registration.entity.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { nameColumns, User } from '../identity/user.entity.js';

const HOUR = 3_600_000;
const LINK_LIVES_MS = 24 * HOUR;
/** Its row stays for longer, so that an old link says "expired" and a used one still works. */
const FORGET_AFTER_MS = 7 * 24 * HOUR;
/** Registrations of one address that a password is checked against, the newest first. */
const PASSWORDS_TRIED = 5;

/** `id` is 0, and the address of a token empty, where there is no such registration. */
interface Wanted {
  email: string;
  id: number;
  /** Whether the caller has shown that it is theirs. */
  isTheirs: boolean;
  /** Whether it has made its account, and asks for nothing any more. */
  isOver: boolean;
  inviteId: number | null;
}

/** The registration that gets a new link, or an empty one: see `resend`. */
type Applicant = Pick<Registration, 'email' | 'passwordHash' | 'firstName' | 'lastName' | 'inviteId'>;
const NOBODY: Applicant = { email: '', passwordHash: '', firstName: '', lastName: '', inviteId: null };

@Injectable()
export class RegistrationService implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly rules: PasswordRules,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly erasure: Erasure,
    private readonly newAccounts: NewAccounts,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
    private readonly links: Links,
    private readonly resets: PasswordResetService,
    private readonly adminsByEmail: AdminsByEmail,
    private readonly admission: Admission,
    private readonly emailLinks: EmailLinks,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id, email }) => {
      await tx.delete(Registration, { email });
      // The one that made the account may have another address. Read first: a DELETE that scans waits for rows of others.
      const made = await tx.find(Registration, { select: { id: true }, where: { userId: id } });
      if (made.length > 0) await tx.delete(Registration, { id: In(made.map((registration) => registration.id)) });
    });
  }

  /**
   * Sends a link to the address, or, where it has an account, a mail that says so. The caller cannot tell which.
   * @throws Invalid; RateLimited for the network, or for all of them together; Busy; as `Admission.admit`
   */
  async register(
    { email, password, first_name: firstName, last_name: lastName, invite }: RegisterRequest,
    network: string,
  ): Promise<void> {
    assertOwnName(firstName, lastName);
    this.rules.assertGood(password, { email, firstName, lastName });
    this.limits.registration(network);
    this.security.log('registration', { network });
    const inviteId = await this.admission.admit(email, invite);
    const passwordHash = await this.passwords.hash(password, 'registration');
    if (!this.limits.mayMail('register', email)) return;
    await this.unitOfWork.run(async (tx) => {
      const isTaken = (await accountOf(tx, email)) !== undefined;
      // Also for an address that has an account, where no mail contains the link: both cases do the same work and take as long.
      const link = await this.addLink(tx, { email, passwordHash, firstName, lastName, inviteId });
      await this.outbox.add(tx, email, this.mail(link, isTaken, firstName));
    });
  }

  /**
   * Sends another link for a registration that was not confirmed yet, also one that has expired, to a caller who knows its password or has
   * an older link of it. Older links stay valid. An address alone does not name a registration, since others may have registered it, too:
   * it gets a mail that says how to go on. An address that has an account gets a mail that says so, and an unknown one gets none. The
   * caller cannot tell which.
   * @throws Invalid; RateLimited for the network; Busy; as `Admission.admit` where the registration is theirs, or none with this password is
   */
  async resend(request: ResendRequest, network: string): Promise<void> {
    this.limits.stranger(network);
    const { email, id, isTheirs, isOver, inviteId } = await this.wanted(request);
    // Whoever has shown nothing is told nothing of an invitation that there may be.
    if (isTheirs && !isOver && email !== '') await this.admission.assertStillAdmitted({ email, inviteId });
    const hasAccount = await this.unitOfWork.read.existsBy(User, { email });
    const purpose = isTheirs && !hasAccount ? 'resend' : 'hint';
    const mayMail = (hasAccount || id > 0) && this.limits.mayMail(purpose, email);
    await this.unitOfWork.run(async (tx) => {
      const isTaken = (await accountOf(tx, email)) !== undefined;
      const waiting = await tx.findOneBy(Registration, { id, userId: IsNull() });
      // A row and a mail in any case, if need be without a recipient: all cases do the same work and take as long.
      const applicant = waiting && isTheirs && mayMail && !isTaken ? waiting : NOBODY;
      const link = await this.addLink(tx, applicant);
      const mail = isTheirs || isTaken ? this.mail(link, isTaken, applicant.firstName) : registrationWaits(this.links);
      await this.outbox.add(tx, mayMail && (waiting || isTaken) ? email : null, mail);
    });
  }

  /** The registration that is asked for. */
  private async wanted({ email, password, token }: ResendRequest): Promise<Wanted> {
    const { read } = this.unitOfWork;
    if (token != null && email == null && password == null) {
      const sent = await read.findOneBy(Registration, { tokenHash: linkTokenHash(linkTokenIn(token)) });
      const isOver = sent?.userId != null;
      return { email: sent?.email ?? '', id: sent?.id ?? 0, isTheirs: true, isOver, inviteId: sent?.inviteId ?? null };
    }
    if (email == null || token != null) throw new Invalid('Send either `email` and `password`, or `token`.');
    // Further links of a registration have rows with the same hash.
    const waiting = await read.query<{ password_hash: string; id: number }[]>(
      `SELECT password_hash, MAX(id) AS id FROM registrations WHERE email = ? AND user_id IS NULL
       GROUP BY password_hash ORDER BY MAX(id) DESC LIMIT ${PASSWORDS_TRIED}`,
      [email],
    );
    if (password == null) return { email, id: waiting[0]?.id ?? 0, isTheirs: false, isOver: false, inviteId: null };
    const hashes = waiting.map(({ password_hash: hash }) => hash);
    const fitting = await this.passwords.search(password, hashes, PASSWORDS_TRIED);
    const id = waiting.find(({ password_hash: hash }) => hash === fitting)?.id ?? 0;
    // Read in any case: all cases do the same work and take as long.
    const found = await read.findOneBy(Registration, { id });
    return { email, id, isTheirs: true, isOver: false, inviteId: found?.inviteId ?? null };
  }

  /**
   * Opens a link: creates the account, once. It does not log in, since mail scanners open links, too. @returns the account's address
   * @throws RateLimited, NotFound; `expired` (410); `already_registered` (409) where the address has got an account by another link, or is
   * kept for one (`retry_after`); as `Admission.admit`, where the server was closed to them meanwhile
   */
  async confirm(token: string, network: string): Promise<string> {
    this.limits.stranger(network);
    const tokenHash = linkTokenHash(linkTokenIn(token));
    // Links that are not ours are mostly guesses: they do not wait in the queue of writes.
    if (!(await this.unitOfWork.read.existsBy(Registration, { tokenHash }))) throw new NotFound('registration link');
    const lock = (tx: EntityManager) =>
      lockRow(tx, { columns: 'id', table: 'registrations', where: 'token_hash = ?', values: [tokenHash] });
    const confirming = async (
      tx: EntityManager,
    ): Promise<{ email: string; madeId?: number; inviteId?: number | null }> => {
      await lock(tx);
      const registration = await tx.findOneBy(Registration, { tokenHash });
      if (!registration) throw new NotFound('registration link');
      if (registration.userId !== null) return { email: registration.email };
      const now = this.clock.now();
      if (registration.expiresAt <= now)
        throw new DomainError('gone', 'expired', 'This link has expired. Ask for a new one, or register again.');
      const { email } = registration;
      if (await tx.existsBy(User, { email }))
        throw new DomainError('conflict', 'already_registered', 'This address has an account already. Log in.');
      const heldFor = await this.emailLinks.heldFor(tx, email);
      if (heldFor > 0) throw addressIsKept(heldFor);
      const invite = await this.admission.enter(tx, registration);
      const { passwordHash, firstName, lastName } = registration;
      const id = await insertId(tx, User, {
        email: registration.email,
        passwordHash,
        ...nameColumns(firstName, lastName),
        createdAt: now,
        lastSeen: null,
        erasedAt: null,
        role: null,
        suspendedAt: null,
      });
      await tx.update(Registration, { id: registration.id }, { userId: id });
      if (this.adminsByEmail.has(registration.email)) await this.resets.inviteAdmin(tx, id, registration.email);
      this.events.record(tx, 'userChanged', { userId: id });
      if (invite)
        await this.newAccounts.invited(tx, { userId: id, groupIds: groupsOf(invite), invitedBy: invite.createdBy });
      return { email: registration.email, madeId: id, inviteId: registration.inviteId };
    };
    const { email, madeId, inviteId } = await this.unitOfWork.run(confirming, {
      isDone: async (tx) => {
        await lock(tx);
        return tx.existsBy(Registration, { tokenHash, userId: Not(IsNull()) });
      },
    });
    if (madeId !== undefined)
      this.security.log('account_created', { user_id: madeId, ...(inviteId != null && { invite_id: inviteId }) });
    return email;
  }

  async sweep(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - FORGET_AFTER_MS);
    await deleteInSlices(this.unitOfWork, Registration, { expiresAt: LessThan(before) });
  }

  /** Stores a new link. @returns its URL */
  private async addLink(
    tx: EntityManager,
    { email, passwordHash, firstName, lastName, inviteId }: Applicant,
  ): Promise<string> {
    const token = newLinkToken();
    const expiresAt = new Date(this.clock.now().getTime() + LINK_LIVES_MS);
    const applicant = { email, passwordHash, firstName, lastName, inviteId };
    await tx.insert(Registration, { ...applicant, tokenHash: linkTokenHash(token), expiresAt, userId: null });
    return this.links.registration(token);
  }

  private mail(link: string, isTaken: boolean, firstName: string): MailContent {
    return isTaken ? addressIsTaken(this.links) : confirmRegistration(this.links, { link, firstName });
  }
}
