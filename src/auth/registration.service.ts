import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { Clock } from '../common/clock.js';
import { DomainError, NotFound } from '../common/errors.js';
import { RateLimits } from '../common/rate-limits.js';
import { CONFIG, type Config } from '../config/config.js';
import { forUpdate } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { addressIsTaken, confirmRegistration } from '../mail/mails.js';
import { Outbox } from '../mail/outbox.js';
import type { RegisterRequest } from './dto/register.dto.js';
import { Passwords } from './passwords.js';
import { Registration } from './registration.entity.js';
import { nameColumns, User } from './user.entity.js';

const HOUR = 3_600_000;
const LINK_LIVES_MS = 24 * HOUR;
/** Its row stays for longer, so that an old link says "expired" and a used one still works. */
const FORGET_AFTER_MS = 7 * 24 * HOUR;

/** 192 bits: as random as a UUID and half, and short enough for the link to stay on one line of a mail. */
const newToken = (): string => randomBytes(24).toString('base64url');
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

@Injectable()
export class RegistrationService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Sends a link to the address, or, where it has an account, a mail that says so. The caller cannot tell which. */
  async register({ email, password, first_name: firstName, last_name: lastName }: RegisterRequest): Promise<void> {
    const passwordHash = await this.passwords.hash(password);
    if (!(await this.limits.mayMail('asked', email))) return;
    const token = newToken();
    const expiresAt = new Date(this.clock.now().getTime() + LINK_LIVES_MS);
    await this.unitOfWork.run(async (tx) => {
      const isTaken = await tx.existsBy(User, { email });
      // Also for a taken address, whose token nobody learns: both ways do the same work and take as long.
      await tx.insert(Registration, {
        tokenHash: hashOf(token),
        email,
        passwordHash,
        firstName,
        lastName,
        expiresAt,
        userId: null,
      });
      const link = `${this.config.publicUrl}/http/register/${token}`;
      const mail = isTaken
        ? addressIsTaken({ appUrl: this.config.publicUrl })
        : confirmRegistration({ link, appUrl: this.config.publicUrl });
      await this.outbox.add(tx, email, mail);
    });
    this.outbox.wake();
  }

  /**
   * Opens a link: makes the account, once. Signs nobody in, since mail scanners open links too. Returns its address.
   * @throws NotFound; `expired` (410); `already_registered` (409) where another link made an account for the address
   */
  async confirm(token: string): Promise<string> {
    const tokenHash = hashOf(token);
    // Most links that are not ours are guesses: they need not queue behind what is written.
    if (!(await this.unitOfWork.read.existsBy(Registration, { tokenHash }))) throw new NotFound('registration link');
    return this.unitOfWork.run(async (tx) => {
      await tx.query(`SELECT id FROM registrations WHERE token_hash = ? ${forUpdate(tx)}`, [tokenHash]);
      const registration = await tx.findOneBy(Registration, { tokenHash });
      if (!registration) throw new NotFound('registration link');
      if (registration.userId !== null) return registration.email;
      const now = this.clock.now();
      if (registration.expiresAt <= now)
        throw new DomainError('gone', 'expired', 'This link has expired. Register again to get a new one.');
      if (await tx.existsBy(User, { email: registration.email })) {
        throw new DomainError('conflict', 'already_registered', 'This address has an account already. Log in.');
      }
      const { email, passwordHash, firstName, lastName } = registration;
      const { identifiers } = await tx.insert(User, {
        email,
        passwordHash,
        ...nameColumns(firstName, lastName),
        createdAt: now,
        lastSeen: null,
        erasedAt: null,
      });
      await tx.update(Registration, { id: registration.id }, { userId: (identifiers[0] as { id: number }).id });
      return email;
    });
  }

  async sweep(tx: EntityManager): Promise<void> {
    await tx.delete(Registration, { expiresAt: LessThan(new Date(this.clock.now().getTime() - FORGET_AFTER_MS)) });
  }
}
