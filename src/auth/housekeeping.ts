import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/timing/clock.js';
import { logLine } from '../common/logs/log-line.js';
import { Outbox } from '../mail/outbox.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { RegistrationService } from './registration.service.js';
import { Sessions } from '../identity/sessions.js';

const HOUR_MS = 3_600_000;
/** Expired sessions are kept for a while, so that their token is answered with `token_expired`. */
const KEEP_SESSIONS_MS = 30 * 24 * HOUR_MS;

/** Deletes once an hour what has expired: links, sessions, mails that could not be sent. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Housekeeping.name);
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly registrations: RegistrationService,
    private readonly resets: PasswordResetService,
    private readonly replaced: PasswordRestoreService,
    private readonly sessions: Sessions,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = () =>
      void this.sweep().catch((error: unknown) =>
        this.logger.error(
          `Deleting expired links, sessions and mails failed, and is tried again in an hour: ${logLine(error)}`,
        ),
      );
    // Also at the start: a server that is restarted each night would never see a full hour.
    this.timer = setInterval(sweep, HOUR_MS).unref();
    sweep();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async sweep(): Promise<void> {
    await this.registrations.sweep();
    await this.resets.sweep();
    await this.replaced.sweep();
    await this.sessions.sweep(new Date(this.clock.now().getTime() - KEEP_SESSIONS_MS));
    await this.outbox.sweep();
  }
}
