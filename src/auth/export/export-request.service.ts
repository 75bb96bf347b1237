import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Forbidden, RateLimited } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { RATES } from '../../common/limits/limits.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import { Metrics } from '../../common/metrics.js';
import { Clock } from '../../common/timing/clock.js';
import { CONFIG, type Config } from '../../config/config.js';
import { afterCommit } from '../../database/unit-of-work.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import { lockUser } from '../../identity/accounts.js';
import { Sessions } from '../../identity/sessions.js';
import { OwnPassword, wrongPassword } from '../own-password.js';
import { endExports } from './end-exports.js';
import { Export } from './export.entity.js';

interface Asked {
  userId: number;
  now: Date;
  byOperator: boolean;
}

/** Takes requests for exports; `ExportMaker` makes them. */
@Injectable()
export class ExportRequestService {
  constructor(
    private readonly ownPassword: OwnPassword,
    private readonly sessions: Sessions,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    private readonly security: SecurityLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Asks for an export of what is one's own, in place of one from before. @throws `wrong_password`; as `add`; Busy */
  async ask(me: Identity, password: string, network: string): Promise<void> {
    const checked = await this.ownPassword.check(me, password, network);
    const { userId } = me;
    const now = this.clock.now();
    const asking = async (tx: EntityManager): Promise<void> => {
      // Locked: of two at once, the second finds the first.
      const user = await lockUser(tx, userId);
      if (user?.password_hash !== checked) throw wrongPassword();
      await this.add(tx, { userId, now, byOperator: false });
    };
    await this.sessions.write(me, asking, { isDone: (tx) => tx.existsBy(Export, { userId, createdAt: now }) });
    this.security.log('export_requested', { user_id: userId, session_id: me.sessionId, network });
  }

  /**
   * The same for somebody who has asked those who run the server, inside the transaction of that act, which holds their account. The link
   * goes to them alone: without a mail server it would lie in a file of the operator's, so that there is none.
   * @throws Forbidden without a mail server; as `add`
   */
  async askFor(tx: EntityManager, userId: number): Promise<void> {
    if (this.config.smtpUrl === undefined)
      throw new Forbidden(
        'This server has no mail server (SMTP_URL): the link would lie in a file that you can read, and it is for them alone. Nothing was done.',
      );
    await this.add(tx, { userId, now: this.clock.now(), byOperator: true });
    afterCommit(tx, () => this.security.log('export_requested', { user_id: userId }));
  }

  /** Inside a transaction that holds the account. @throws RateLimited for the second one of a day, whoever asks */
  private async add(tx: EntityManager, { userId, now, byOperator }: Asked): Promise<void> {
    await this.assertDue(tx, userId, now);
    await endExports(tx, userId);
    const none = { tokenHash: null, readyAt: null, expiresAt: null, size: 0, downloads: 0, tries: 0 };
    await tx.insert(Export, { userId, state: 'waiting', createdAt: now, nextTryAt: now, byOperator, ...none });
    this.events.record(tx, 'exportRequested', { userId });
  }

  /** By the rows, and so on all nodes together. */
  private async assertDue(tx: EntityManager, userId: number, now: Date): Promise<void> {
    if (!this.config.rateLimits) return;
    const before = await tx.findOne(Export, { where: { userId }, order: { id: 'DESC' } });
    if (!before) return;
    const waitMs = before.createdAt.getTime() + RATES.export.seconds * 1_000 - now.getTime();
    if (waitMs <= 0) return;
    this.metrics.rateLimited.inc({ limit: 'export' });
    throw new RateLimited('There was an export within the last 24 hours.', Math.ceil(waitMs / 1_000));
  }
}
