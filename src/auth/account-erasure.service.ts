import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { lockUser } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { type EndSessions, Sessions } from '../identity/sessions.js';
import { ERASED_NAME, User } from '../identity/user.entity.js';
import { Clock } from '../common/timing/clock.js';
import { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { logLine } from '../common/logs/log-line.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { lockConversationsOf } from '../conversations/conversation-locks.js';
import { ConversationRemoval } from '../conversations/conversation-removal.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { WalScrubber } from '../database/sqlite/wal-scrubber.js';
import { CommitUnknown, UnitOfWork } from '../database/unit-of-work.js';
import { Outbox } from '../mail/outbox.js';
import { OwnPassword, wrongPassword } from './own-password.js';

/** What is left to do once an account is erased. */
interface Afterwards {
  userId: number;
  network: string;
  email: string;
  /** Conversations that ended with the account. */
  ended: number[];
}

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
    private readonly sessions: Sessions,
    private readonly erasure: Erasure,
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
   * @throws `wrong_password`; `password_too_new` where it was set without the one before it; RateLimited, Busy; Unauthenticated where the
   * session has ended meanwhile
   */
  async erase(me: Identity, password: string, network: string): Promise<void> {
    const checked = await this.ownPassword.check(me, password, network);
    const erasing = async (tx: EntityManager, end: EndSessions): Promise<Afterwards> => {
      const user = await this.hold(tx, me);
      if (user.passwordHash !== checked) throw wrongPassword();
      await this.replaced.assertErasable(tx, user.id);
      await end({ userId: user.id });
      const ended = await this.erasure.run(tx, user);
      await this.outbox.forget(tx, user.email);
      await tx.update(User, { id: user.id }, this.nobody(user.id));
      this.events.record(tx, 'accountErased', { userId: user.id });
      this.events.record(tx, 'userChanged', { userId: user.id });
      return { userId: user.id, network, email: user.email, ended };
    };
    const run = this.sessions.endAndClose('erasure', erasing, (tx) => isErased(tx, me.userId));
    const done = await run.catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'password_too_new')
        this.security.log('erasure_refused', { user_id: me.userId, session_id: me.sessionId, network });
      if (error instanceof CommitUnknown) void this.finishLate(error);
      throw error;
    });
    await this.finish(done);
  }

  private async finish({ userId, network, email, ended }: Afterwards): Promise<void> {
    this.security.log('account_erased', { user_id: userId, network });
    await this.removal.finish(ended);
    await this.forgetOnDisk(email);
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
  private async hold(tx: EntityManager, me: Identity): Promise<User> {
    const chats = await lockConversationsOf(tx, me.userId);
    await lockUser(tx, me.userId);
    // From here on, a transaction that adds the user to a chat waits, and finds no account. Chats they were added to just before are locked now.
    await lockConversationsOf(tx, me.userId, chats);
    await this.sessions.assertLive(tx, me);
    return tx.findOneByOrFail(User, { id: me.userId });
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
    };
  }

  /** Deletes from the disk what the erasure has left there. Failures are logged: the account is erased all the same. */
  private async forgetOnDisk(email: string): Promise<void> {
    await this.walScrubber.truncate();
    await this.outbox.forgetDelivered(email).catch((error: unknown) => {
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
