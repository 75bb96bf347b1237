import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { lockUser } from '../identity/accounts.js';
import { AuditLog } from '../identity/audit/audit-log.js';
import { Erasure } from '../identity/erasure.js';
import { RoleCheck } from '../identity/role-check.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { type EndSessions, Sessions } from '../identity/sessions.js';
import { ERASED_NAME, User } from '../identity/user.entity.js';
import { Clock } from '../common/timing/clock.js';
import { DomainError, NotFound } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { logLine } from '../common/logs/log-line.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { lockConversationsOf } from '../conversations/conversation-locks.js';
import { ConversationRemoval } from '../conversations/conversation-removal.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { WalScrubber } from '../database/sqlite/wal-scrubber.js';
import { CommitUnknown, UnitOfWork } from '../database/unit-of-work.js';
import { Outbox } from '../mail/outbox.js';
import { EmailLinks } from './email/email-links.js';
import { OwnPassword, wrongPassword } from './own-password.js';

/** What is left to do once an account is erased. */
interface Afterwards {
  userId: number;
  /** Of the user, where it was they who asked. */
  network?: string;
  /** The address, and others that have got mails about the account. */
  emails: string[];
  /** Conversations that ended with the account. */
  ended: number[];
}

/** Refuses an erasure, in its transaction, or lets it be. */
type Authorize = (tx: EntityManager, user: User) => Promise<void>;

/** In place of the time of registration. */
const NEVER = new Date(0);

/** Erases accounts: messages that others have received stay, and nothing else does. */
@Injectable()
export class AccountErasureService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(AccountErasureService.name);
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly ownPassword: OwnPassword,
    private readonly replaced: PasswordRestoreService,
    private readonly emailLinks: EmailLinks,
    private readonly sessions: Sessions,
    private readonly erasure: Erasure,
    private readonly audit: AuditLog,
    private readonly roles: RoleCheck,
    private readonly removal: ConversationRemoval,
    private readonly events: DomainEvents,
    private readonly outbox: Outbox,
    private readonly walScrubber: WalScrubber,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
  ) {}

  beforeApplicationShutdown(): void {
    this.isStopping = true;
  }

  /**
   * Erases the caller's account. When this resolves, its sessions have ended, its address is free, and what was the user's alone is deleted.
   * @throws `wrong_password`; `password_too_new` where it was set without the one before it; `last_admin`; RateLimited, Busy; Unauthenticated
   * where the session has ended meanwhile
   */
  async erase(me: Identity, password: string, network: string): Promise<void> {
    const checked = await this.ownPassword.check(me, password, network);
    const authorize = async (tx: EntityManager, user: User): Promise<void> => {
      await this.sessions.assertLive(tx, me);
      if (user.passwordHash !== checked) throw wrongPassword();
      await this.replaced.assertSettled(tx, user.id);
      if (user.role !== 'admin') return;
      await this.audit.hold(tx);
      await this.roles.assertNotLastAdmin(tx, user.id);
    };
    await this.run(me.userId, authorize, network).catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'password_too_new')
        this.security.log('erasure_refused', { user_id: me.userId, session_id: me.sessionId, network });
      throw error;
    });
  }

  /**
   * The same for somebody else. `authorize` is called in the transaction, which holds the chats and the row of the user.
   * @throws NotFound; what `authorize` throws
   */
  eraseFor(userId: number, authorize: Authorize): Promise<void> {
    return this.run(userId, async (tx, user) => {
      if (user.erasedAt) throw new NotFound('user');
      await authorize(tx, user);
    });
  }

  private async run(userId: number, authorize: Authorize, network?: string): Promise<void> {
    const erasing = async (tx: EntityManager, end: EndSessions): Promise<Afterwards> => {
      const user = await this.hold(tx, userId);
      await authorize(tx, user);
      await end({ userId });
      const emails = [user.email, ...(await this.emailLinks.otherAddresses(tx, userId))];
      const ended = await this.erasure.run(tx, user);
      for (const email of emails) await this.outbox.forget(tx, email);
      await tx.update(User, { id: userId }, this.nobody(userId));
      this.events.record(tx, 'accountErased', { userId });
      this.events.record(tx, 'userChanged', { userId });
      return { userId, ...(network !== undefined && { network }), emails, ended };
    };
    const run = this.sessions.endAndClose('erasure', erasing, (tx) => isErased(tx, userId));
    const done = await run.catch((error: unknown) => {
      if (error instanceof CommitUnknown) void this.finishLate(error);
      throw error;
    });
    await this.finish(done);
  }

  private async finish({ userId, network, emails, ended }: Afterwards): Promise<void> {
    this.security.log('account_erased', { user_id: userId, ...(network !== undefined && { network }) });
    await this.removal.finish(ended);
    await this.forgetOnDisk(emails);
  }

  /** Asks the database until it answers, or the server stops: others must be notified and the disk cleaned, however late that is known. */
  private async finishLate(unknown: CommitUnknown): Promise<void> {
    const done = unknown.result as Afterwards;
    const isDone = (tx: EntityManager) => isErased(tx, done.userId);
    try {
      if (await this.unitOfWork.settle(unknown, isDone, () => !this.isStopping)) await this.finish(done);
    } catch (error) {
      this.logger.error(
        `User ${done.userId} is erased, but not all of their data could be removed from the disk: ${logLine(error)}`,
      );
    }
  }

  /** Locks everything that other transactions could write to meanwhile: the chats first, as the message log does, then the user. */
  private async hold(tx: EntityManager, userId: number): Promise<User> {
    const chats = await lockConversationsOf(tx, userId);
    await lockUser(tx, userId);
    // From here on, a transaction that adds the user to a chat waits, and finds no account. Chats they were added to just before are locked now.
    await lockConversationsOf(tx, userId, chats);
    const user = await tx.findOneBy(User, { id: userId });
    if (!user) throw new NotFound('user');
    return user;
  }

  /** The columns of an erased user: the row stays, so that messages have a sender. The address is unique, and no address. */
  private nobody(id: number): Partial<User> {
    const keys = { firstNameKey: '', lastNameKey: '' };
    return {
      ...ERASED_NAME,
      ...keys,
      email: `erased:${id}`,
      passwordHash: '',
      createdAt: NEVER,
      lastSeen: null,
      erasedAt: this.clock.now(),
      role: null,
      suspendedAt: null,
    };
  }

  /** Deletes from the disk what the erasure has left there. Failures are logged: the account is erased all the same. */
  private async forgetOnDisk(emails: readonly string[]): Promise<void> {
    await this.walScrubber.truncate();
    const forgetting = Promise.all(emails.map((email) => this.outbox.forgetDelivered(email)));
    await forgetting.catch((error: unknown) => {
      this.logger.error(
        `Mails to an account that was erased could not be deleted from outbox/. Delete those files by hand: ${logLine(error)}`,
      );
    });
  }
}

async function isErased(tx: EntityManager, userId: number): Promise<boolean> {
  // The server may still be committing: its locks are gone only when it has decided.
  const row = await lockUser(tx, userId);
  return row?.erased_at != null;
}
