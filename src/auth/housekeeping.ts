import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Leases } from '../cluster/leases.js';
import { Clock } from '../common/timing/clock.js';
import { logLine } from '../common/logs/log-line.js';
import type { Lease } from '../database/held-lease.js';
import { Outbox } from '../mail/outbox.js';
import { EmailLinks } from './email/email-links.js';
import { Invites } from './invites.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { RegistrationService } from './registration.service.js';
import { Sessions } from '../identity/sessions.js';

const HOUR_MS = 3_600_000;
/** Expired sessions are kept for a while, so that their token is answered with `token_expired`. */
const KEEP_SESSIONS_MS = 30 * 24 * HOUR_MS;

/** Deletes once an hour what has expired: links, invitations, sessions, mails that could not be sent. On one node, for all. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap {
  private readonly logger = new Logger(Housekeeping.name);

  constructor(
    private readonly registrations: RegistrationService,
    private readonly invites: Invites,
    private readonly resets: PasswordResetService,
    private readonly replaced: PasswordRestoreService,
    private readonly emailLinks: EmailLinks,
    private readonly sessions: Sessions,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly leases: Leases,
  ) {}

  onApplicationBootstrap(): void {
    const failed = (error: unknown) =>
      this.logger.error(
        `Deleting expired links, sessions and mails failed, and is tried again in an hour: ${logLine(error)}`,
      );
    // Also at the start: a server that is restarted each night would never see a full hour.
    this.leases.repeat('housekeeping', { everyMs: HOUR_MS, failed }, (lease) => this.sweep(lease));
  }

  /** @param lease where it is lost, the rest is left to whoever has it now */
  async sweep(lease?: Lease): Promise<void> {
    const sessionsBefore = new Date(this.clock.now().getTime() - KEEP_SESSIONS_MS);
    for (const step of [
      () => this.registrations.sweep(),
      () => this.invites.sweep(),
      () => this.resets.sweep(),
      () => this.replaced.sweep(),
      () => this.emailLinks.sweep(),
      () => this.sessions.sweep(sessionsBefore),
      () => this.outbox.sweep(),
    ])
      if (lease?.isHeld !== false) await step();
  }
}
