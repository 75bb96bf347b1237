import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { lockUser } from '../identity/accounts.js';
import { AuditLog } from '../identity/audit/audit-log.js';
import { User } from '../identity/user.entity.js';
import { normalizeEmail } from './dto/email.field.js';
import { endEmailLinks } from './waiting-links.js';

/**
 * The addresses of ADMIN_EMAILS. Whoever sets a password by a link that was sent to one of them becomes an admin. To open the link of a
 * registration is not enough: mail scanners do, too, and the account has the password of whoever registered first.
 */
@Injectable()
export class AdminsByEmail {
  private readonly emails: ReadonlySet<unknown>;

  constructor(
    @Inject(CONFIG) { adminEmails }: Config,
    private readonly audit: AuditLog,
  ) {
    this.emails = new Set(adminEmails.map(normalizeEmail));
  }

  has(email: string): boolean {
    return this.emails.has(email);
  }

  /** Inside the caller's transaction, which sets the password of one of these. Does nothing for those who are admins already. */
  async name(tx: EntityManager, userId: number): Promise<void> {
    const user = await lockUser(tx, userId);
    // Erased meanwhile, the address would be another one.
    if (!user || user.role === 'admin' || !this.has(user.email)) return;
    await endEmailLinks(tx, userId);
    await tx.update(User, { id: userId }, { role: 'admin' });
    await this.audit.record(tx, 'console', {
      action: 'name_admin',
      target: `user ${userId}`,
      detail: { by: 'ADMIN_EMAILS' },
    });
  }
}
