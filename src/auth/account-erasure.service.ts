import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { lockUser } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { Sessions } from '../identity/sessions.js';
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

/** How long the caller waits to learn what became of a COMMIT without an answer. We go on asking, with pauses, until it is known. */
const KNOWN_WITHIN_MS = 2_000;

/** What is left to do for somebody whose account is erased. */
interface Afterwards {
  userId: number;
  network: string;
  email: string;
  /** Conversations that ended with the account. */
  ended: number[];
}

/** In place of the moment in which they came. */
const NEVER = new Date(0);

/** The end of an account: what others were told stays, and nothing else does. */
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
   * Erases the caller's account. When this resolves, its sessions have ended, its address is free, and what was theirs alone is gone.
   * @throws `wrong_password`; `password_too_new` where it was set without the one before it; RateLimited, Busy; Unauthenticated where the session has ended meanwhile
   */
  async erase(me: Identity, password: string, network: string): Promise<void> {
    const checked = await this.ownPassword.check(me, password, network);
    let done: Afterwards | undefined;
    const run = this.sessions.endAndClose(
      'erasure',
      async (tx, end) => {
        const user = await this.hold(tx, me);
        if (user.passwordHash !== checked) throw wrongPassword();
        await this.replaced.assertErasable(tx, user.id);
        await end({ userId: user.id });
        done = { userId: user.id, network, email: user.email, ended: await this.erasure.run(tx, user) };
        await this.outbox.forget(tx, user.email);
        await tx.update(User, { id: user.id }, this.nobody(user.id));
        this.events.record(tx, 'accountErased', { userId: user.id });
        this.events.record(tx, 'userChanged', { userId: user.id });
      },
      (tx) => isErased(tx, me.userId),
    );
    await run.catch(async (error: unknown) => {
      if (error instanceof DomainError && error.code === 'password_too_new')
        this.security.tell('erasure_refused', { user_id: me.userId, session_id: me.sessionId, network });
      if (!(error instanceof CommitUnknown)) throw error;
      // Where the database did not answer, its row tells: others must learn of it, and the disk forget, however late that is known.
      const settled = this.whetherErased(error, me.userId);
      const known = await Promise.race([settled, sleep(KNOWN_WITHIN_MS, undefined, { ref: false })]);
      if (known === undefined) void settled.then((isDone) => (isDone ? this.finishLate(done!) : undefined));
      if (!known) throw error;
    });
    await this.finish(done!);
  }

  private async finish({ userId, network, email, ended }: Afterwards): Promise<void> {
    this.security.tell('account_erased', { user_id: userId, network });
    await this.removal.finish(ended);
    await this.forgetOnDisk(email);
  }

  private async finishLate(done: Afterwards): Promise<void> {
    await this.finish(done).catch((error: unknown) => {
      this.logger.error(`The end of an account could not be told: ${logLine(error)}`);
    });
  }

  /** Asks until the database tells; undefined where the server stops first. */
  private whetherErased(unknown: CommitUnknown, userId: number): Promise<boolean | undefined> {
    return this.unitOfWork.settle(
      unknown,
      (tx) => isErased(tx, userId),
      () => !this.isStopping,
    );
  }

  /** Holds everything that others could write to meanwhile: the chats first, as the message log does, then the person. */
  private async hold(tx: EntityManager, me: Identity): Promise<User> {
    const chats = await lockConversationsOf(tx, me.userId);
    await lockUser(tx, me.userId);
    // Whoever comes into a chat from here on waits, and finds nobody. Who came into one just before has it locked now.
    await lockConversationsOf(tx, me.userId, chats);
    await this.sessions.assertLive(tx, me);
    return tx.findOneByOrFail(User, { id: me.userId });
  }

  /** What is left, so that messages have a sender. The address is none, and nobody else's. */
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

  /** The account is erased: what cannot be deleted from the disk must not look as if it were not. */
  private async forgetOnDisk(email: string): Promise<void> {
    await this.walScrubber.truncate();
    await this.outbox.forgetDelivered(email).catch((error: unknown) => {
      this.logger.error(`Mails to an erased account are left in outbox/: ${logLine(error)}`);
    });
  }
}

async function isErased(tx: EntityManager, userId: number): Promise<boolean> {
  // The server may still be committing: its locks are gone only when it has decided.
  const row = await lockUser(tx, userId);
  return row?.erased_at != null;
}
